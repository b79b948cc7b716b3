import { useState } from 'preact/hooks';
import { t } from '../i18n/i18n.ts';

const SHOWN_MS = 2000;

/** Over plain http, but on loopback, a page has no clipboard: then the text is selected, for the reader to copy. */
async function copy(source: HTMLElement): Promise<boolean> {
  getSelection()?.selectAllChildren(source);
  if (!isSecureContext) return false;
  try {
    await navigator.clipboard.writeText(source.textContent);
    return true;
  } catch {
    return false;
  }
}

export function CopyButton({ from }: { from: () => HTMLElement | null }) {
  const [isCopied, setIsCopied] = useState(false);
  const texts = t.value.app;
  return (
    <button
      type="button"
      onClick={() => {
        const source = from();
        if (!source) return;
        void copy(source).then((copied) => {
          setIsCopied(copied);
          setTimeout(() => {
            setIsCopied(false);
          }, SHOWN_MS);
        });
      }}
    >
      <span aria-live="polite">{isCopied ? texts.copied : texts.copy}</span>
    </button>
  );
}
