import { useId, useState } from 'preact/hooks';
import { faultText, remedyText, t as messages } from '../i18n/i18n.ts';
import { check, finish, type Refusal, type Trial, type Written } from './api.ts';
import { Copyable } from './copyable.tsx';
import { texts } from './texts.ts';

/** The account, its test, and the name of its app. */
export function AccountForm({ onWritten }: { onWritten: (written: Written) => void }) {
  const [account, setAccount] = useState({ app_id: '', app_secret: '' });
  const [app, setApp] = useState('shop');
  const [trial, setTrial] = useState<Trial | null>(null);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [busy, setBusy] = useState<'test' | 'write' | null>(null);
  const t = texts.value;

  async function run(what: 'test' | 'write', work: () => Promise<void>): Promise<void> {
    setBusy(what);
    setRefusal(null);
    try {
      await work();
    } catch (error) {
      setRefusal(error as Refusal);
    }
    setBusy(null);
  }

  const change = (field: keyof typeof account) => (value: string) => {
    setAccount({ ...account, [field]: value });
    setTrial(null);
  };
  const faultOf = (field: string) => (refusal?.field === field ? faultText(refusal.message) : null);

  return (
    <>
      <form
        class="card"
        aria-label={t.account}
        onSubmit={(event) => {
          event.preventDefault();
          void run('test', async () => {
            setTrial(await check(account));
          });
        }}
      >
        <h2>{t.account}</h2>
        <p class="muted">{t.accountHint}</p>
        <Field label={t.appId} value={account.app_id} fault={faultOf('app_id')} onChange={change('app_id')} />
        <Field
          label={t.appSecret}
          value={account.app_secret}
          fault={faultOf('app_secret')}
          hint={t.secretHint}
          isSecret
          onChange={change('app_secret')}
        />
        <button type="submit" class={trial?.ok ? '' : 'primary'} disabled={busy !== null}>
          {busy === 'test' ? t.testing : t.test}
        </button>
        <div aria-live="polite">{trial && <Outcome trial={trial} />}</div>
      </form>
      {trial?.ok === true && (
        <form
          class="card"
          aria-label={t.name}
          onSubmit={(event) => {
            event.preventDefault();
            void run('write', async () => {
              onWritten(await finish(app, account));
            });
          }}
        >
          <h2>{t.name}</h2>
          <Field label={t.nameHint} value={app} fault={faultOf('app')} onChange={setApp} />
          <button type="submit" class="primary" disabled={busy !== null}>
            {busy === 'write' ? t.writing : t.write}
          </button>
        </form>
      )}
      {refusal?.field === null && (
        <p class="failure" role="alert">
          {refusal.code === '' ? t.noAnswer : refusal.message.split('\n').map(faultText).join('\n')}
        </p>
      )}
    </>
  );
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly fault: string | null;
  readonly hint?: string;
  readonly isSecret?: boolean;
  readonly onChange: (value: string) => void;
}

function Field({ label, value, fault, hint, isSecret = false, onChange }: FieldProps) {
  const id = useId();
  const [isShown, setIsShown] = useState(!isSecret);
  const t = texts.value;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="joined">
        <input
          id={id}
          {...(isShown ? { type: 'text' as const } : { type: 'password' as const })}
          value={value}
          required
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          aria-invalid={fault !== null}
          aria-describedby={`${id}-hint`}
          onInput={({ currentTarget }) => {
            onChange(currentTarget.value);
          }}
        />
        {isSecret && (
          <button
            type="button"
            aria-pressed={isShown}
            onClick={() => {
              setIsShown(!isShown);
            }}
          >
            {isShown ? t.hide : t.show}
          </button>
        )}
      </div>
      <p id={`${id}-hint`} class={fault === null ? 'muted small' : 'failure'}>
        {fault ?? hint}
      </p>
    </div>
  );
}

function Outcome({ trial }: { trial: Trial }) {
  const t = texts.value;
  if (trial.ok) return <p class="outcome outcome-good">{t.good(trial.expires_in ?? 0)}</p>;
  const { errcode, message, remedy, address } = trial;
  return (
    <div class="outcome outcome-bad">
      <p>
        <b>{t.bad(errcode)}</b> {message}
      </p>
      <p>
        <b>
          {t.todo}
          {messages.value.colon}
        </b>
        {remedyText('wechat', errcode, remedy ?? '')}
      </p>
      {address !== null && (
        <>
          <p>{t.address}</p>
          <Copyable text={address} label={t.address} />
          <p>{t.again}</p>
        </>
      )}
    </div>
  );
}
