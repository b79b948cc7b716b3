import { useRef, useState } from 'preact/hooks';
import { ApiError } from '../data/api.ts';
import { ended, signIn } from '../data/store.ts';
import { t } from '../i18n/i18n.ts';
import type { Messages } from '../i18n/en.ts';

function reasonOf(error: unknown, { signIn: texts }: Messages): string {
  if (!(error instanceof ApiError) || error.status === 0) return texts.noAnswer;
  const ofJwt = texts.jwt[error.code];
  if (ofJwt !== undefined) return ofJwt;
  if (error.status === 401) return texts.wrong;
  if (error.status === 403) return texts.noScope;
  if (error.status === 429) return texts.tooMany;
  return error.message;
}

export function SignInView() {
  const input = useRef<HTMLInputElement>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [isBusy, setIsBusy] = useState(false);
  const [isShown, setIsShown] = useState(false);
  const texts = t.value.signIn;

  async function submit(): Promise<void> {
    const key = input.current?.value.trim() ?? '';
    if (key === '') {
      input.current?.focus();
      return;
    }
    setIsBusy(true);
    setFailure(null);
    try {
      await signIn(key);
    } catch (error) {
      setFailure(error);
      setIsBusy(false);
      input.current?.select();
    }
  }

  return (
    <main id="content" class="sign-in" tabIndex={-1}>
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <h1>{texts.title}</h1>
        <p class="muted">{texts.intro}</p>
        {ended.value && failure === null && (
          <p class="note" role="status">
            {texts.ended[ended.value]}
          </p>
        )}
        <label for="key">{texts.key}</label>
        <div class="joined">
          <input
            id="key"
            ref={input}
            {...(isShown ? { type: 'text' as const } : { type: 'password' as const })}
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            aria-invalid={failure !== null}
            aria-describedby="key-failure"
          />
          <button
            type="button"
            aria-pressed={isShown}
            onClick={() => {
              setIsShown(!isShown);
            }}
          >
            {isShown ? texts.hide : texts.show}
          </button>
        </div>
        <p id="key-failure" class="failure" role="alert">
          {failure !== null && reasonOf(failure, t.value)}
        </p>
        <button type="submit" class="primary" disabled={isBusy}>
          {isBusy ? texts.busy : texts.submit}
        </button>
        <p class="muted small">{texts.privacy}</p>
      </form>
    </main>
  );
}
