import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** Runs with the root's mounts in namespaces of its own, so that all of it is gone with the process. $0: the root; $1: a folder for /mnt, which a runtime would make. */
const ENTER = `
set -e
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount --bind /dev "$0/dev"
mkdir -p "$0/mnt"
mount --bind -o ro "$1" "$0/mnt"
mount -o remount,bind,ro "$0"
root=$0
shift
exec setpriv --no-new-privs --bounding-set=-all,+sys_chroot,+setuid,+setgid --inh-caps=-all --clear-groups unshare --root "$root" "$@"`;

const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs an image's unpacked root as Kubernetes' "restricted" would, on the host's network: read-only, as the image's user, process 1, no capabilities. */
export class ImageRunner {
  /**
   * @param {string} root
   * @param {{User: string, WorkingDir: string, Env: string[], Entrypoint: string[], Cmd: string[]}} config the image's own
   * @param {string} mounted the folder that the image sees as /mnt
   */
  constructor(root, config, mounted) {
    Object.assign(this, { root, config, mounted });
  }

  /** @param {{command?: string[], args?: string[], env?: Record<string, string>}} options instead of the image's, or in addition */
  start({ command = this.config.Entrypoint, args = this.config.Cmd, env = {} } = {}) {
    const [uid, gid] = this.config.User.split(':');
    const enter = ['sh', '-c', ENTER, this.root, this.mounted];
    const become = ['--wd', this.config.WorkingDir, '--setgid', gid, '--setuid', uid, '--'];
    const isolate = ['--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--'];
    const own = Object.fromEntries(this.config.Env.map((line) => line.split(/=(.*)/s).slice(0, 2)));
    const child = spawn('unshare', [...isolate, ...enter, ...become, ...command, ...args], {
      env: { ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Running(child);
  }

  /** Runs to its end. */
  async run(options) {
    const running = this.start(options);
    return { code: await running.ended, output: running.output };
  }
}

/** A command of this repository's build, on the host. @param {string[]} args */
export function runOnHost(...args) {
  return new Running(
    spawn(process.execPath, ['dist/cli.js', ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

class Running {
  output = '';

  constructor(child) {
    this.child = child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => (this.output += text));
    }
    /** The exit code; null when a signal ended it. */
    this.ended = once(child, 'close').then(([code]) => {
      running.delete(child);
      return code;
    });
  }

  get isRunning() {
    return running.has(this.child);
  }

  /** As the host numbers it; in its own namespace it is 1. */
  get pid() {
    const { pid } = this.child;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
  }

  /** Sent from outside, where only a handler of its own makes process 1 obey. */
  signal(name) {
    process.kill(this.pid, name);
  }
}
