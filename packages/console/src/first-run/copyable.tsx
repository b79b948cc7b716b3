import { useRef } from 'preact/hooks';
import { CopyButton } from '../components/copy-button.tsx';

/** A text to be copied whole. */
export function Copyable({ text, label }: { text: string; label: string }) {
  const source = useRef<HTMLPreElement>(null);
  return (
    <div class="copyable">
      <pre ref={source} tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <CopyButton from={() => source.current} />
    </div>
  );
}
