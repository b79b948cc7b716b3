import { useRef, useState } from 'preact/hooks';
import type { AppRow, ProbeResult } from '../api-types.ts';
import { api, ApiError } from '../data/api.ts';
import { shortDuration } from '../data/format.ts';
import { session } from '../data/store.ts';
import { remedyText, t } from '../i18n/i18n.ts';
import type { Messages } from '../i18n/en.ts';

interface Outcome {
  readonly isGood: boolean;
  readonly what: string;
  readonly todo: string;
}

const REASON_LIMIT = 200;

/** "40001 invalid credential: what to do" */
function saying(
  row: AppRow,
  {
    errcode,
    message,
    remedy,
  }: Pick<ProbeResult, 'message' | 'remedy'> & { errcode?: number | string | null },
): string {
  const what = [errcode ?? '', message ?? ''].filter((part) => part !== '').join(' ');
  const todo = remedy === null ? '' : remedyText(row.provider, errcode ?? null, remedy);
  return [what, todo].filter((part) => part !== '').join(t.value.colon);
}

function failed(error: unknown, messages: Messages): Outcome {
  const why = error instanceof ApiError && error.status !== 0 ? error.message : messages.noAnswer;
  return { isGood: false, what: messages.app.actFailed(why), todo: '' };
}

export function AppActions({ row }: { row: AppRow }) {
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const [isTesting, setIsTesting] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  const messages = t.value;
  const texts = messages.app;
  const { value: mine } = session;
  const mayAct = typeof mine === 'object' && mine?.can_act === true;

  async function test(): Promise<void> {
    setIsTesting(true);
    setOutcome(null);
    try {
      const result = await api.probe(row.app);
      const what = texts.outcome[result.outcome](shortDuration(result.duration_ms, messages));
      setOutcome({ isGood: result.outcome === 'alive', what, todo: saying(row, result) });
    } catch (error) {
      setOutcome(failed(error, messages));
    } finally {
      setIsTesting(false);
    }
  }

  return (
    <section class="actions" aria-label={texts.actions}>
      <div class="buttons">
        <button type="button" disabled={!mayAct || isTesting} onClick={() => void test()}>
          {isTesting ? texts.testing : texts.test}
        </button>
        <button
          type="button"
          class="primary"
          disabled={!mayAct}
          onClick={() => {
            dialog.current?.showModal();
          }}
        >
          {texts.refresh}
        </button>
      </div>
      {!mayAct && <p class="muted small">{texts.noPermission}</p>}
      <div role="status">
        {outcome && (
          <div class={outcome.isGood ? 'outcome good' : 'outcome bad'}>
            <p>{outcome.what}</p>
            {outcome.todo !== '' && <p>{outcome.todo}</p>}
          </div>
        )}
      </div>
      <RefreshDialog row={row} dialog={dialog} onOutcome={setOutcome} />
    </section>
  );
}

interface DialogProps {
  readonly row: AppRow;
  readonly dialog: { current: HTMLDialogElement | null };
  readonly onOutcome: (outcome: Outcome) => void;
}

function RefreshDialog({ row, dialog, onOutcome }: DialogProps) {
  const [reason, setReason] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const messages = t.value;
  const texts = messages.app.dialog;
  const { forced_today: used, forced_budget: all } = row;
  const left = messages.of(String(used), all === null ? '∞' : String(all));

  async function refresh(): Promise<void> {
    setIsBusy(true);
    try {
      const result = await api.refresh(row.app, reason.trim());
      const what = messages.app.refreshed(
        messages.word(result.result),
        String(result.generation ?? messages.none),
      );
      onOutcome({ isGood: result.message === null, what, todo: saying(row, result) });
    } catch (error) {
      onOutcome(failed(error, messages));
    } finally {
      setIsBusy(false);
      setReason('');
      dialog.current?.close();
    }
  }

  return (
    <dialog ref={dialog} aria-labelledby="refresh-title">
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          void refresh();
        }}
      >
        <h2 id="refresh-title">{texts.title(row.app)}</h2>
        <p>{texts.cost(left)}</p>
        <label for="refresh-reason">{texts.reason}</label>
        <input
          id="refresh-reason"
          type="text"
          required
          maxLength={REASON_LIMIT}
          value={reason}
          placeholder={texts.placeholder}
          autocomplete="off"
          onInput={({ currentTarget }) => {
            setReason(currentTarget.value);
          }}
        />
        <div class="buttons end">
          <button
            type="button"
            onClick={() => {
              dialog.current?.close();
            }}
          >
            {texts.cancel}
          </button>
          <button type="submit" class="primary" disabled={isBusy || reason.trim() === ''}>
            {isBusy ? texts.busy : texts.confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
