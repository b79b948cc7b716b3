import { checkScope, SCOPES, type Scope } from './client.section.js';
import { About, Check, List, Optional, SectionList, Text, TextList } from './keys.js';

/** The form of the names of files of the folder, with `*` for any characters. */
const PATTERN = /^[A-Za-z0-9*][A-Za-z0-9._*-]{0,99}$/;
const PREFIX = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** What some files of the folder may grant. It stands in the main file, so that no team can widen its own. */
export class TeamSection {
  @About(
    'for which files: a name such as `orders.yaml`, or with `*` for any characters. The first entry that fits a file holds',
  )
  @Text(PATTERN, 'the name of a file, such as orders.yaml or orders-*.yaml')
  readonly files!: string;

  @About('scopes that clients of these files may have. Left out: all')
  @Optional()
  @List(checkScope, `must list at least one of ${SCOPES.join(', ')}, or be left out`, {
    items: { enum: [...SCOPES] },
  })
  readonly allowScopes?: readonly Scope[];

  @About(
    'what the names of apps must begin with: those that these files configure, and those that their clients may use, which then name them, without `"*"`. Left out: any',
  )
  @Optional()
  @TextList(
    PREFIX,
    'the beginning of a name of an app, such as orders-',
    'must list at least one beginning, or be left out',
  )
  readonly allowApps?: readonly string[];

  @About(
    'folders in which the files are that these files may name, those of AppSecrets and API keys; no variable of the environment may be named then. Left out: any file that the broker can read, so also the secrets of other teams',
  )
  @Optional()
  @TextList(/^[/]/, 'the absolute path of a folder', 'must list at least one folder, or be left out')
  readonly allowFiles?: readonly string[];
}

/** A folder with files of apps and clients besides the main file. */
export class ConfigDirSection {
  @About('its path. Each file `*.yaml` in it has `apps` and `clients`, and nothing else')
  @Check((path) => (typeof path === 'string' && path !== '' ? undefined : 'must be the path of a folder'), {
    type: 'string',
    minLength: 1,
  })
  readonly path!: string;

  /** Left out: every file may grant all. Otherwise a file that no entry is for is a fault. */
  @Optional()
  @SectionList(() => TeamSection, 'must list at least one entry, or be left out')
  readonly teams?: readonly TeamSection[];
}
