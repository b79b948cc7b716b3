import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const OVERSCAN = 6;

interface Props<T> {
  readonly items: readonly T[];
  readonly keyOf: (item: T) => string;
  /** The inside of a row. */
  readonly children: (item: T) => ComponentChildren;
  readonly classOf: (item: T) => string;
}

/**
 * The rows of a table, of which only those near the window's view are in the document, and the one that has the focus. All
 * have the height that the style sheet gives as --row-height.
 */
export function VirtualRows<T>({ items, keyOf, children, classOf }: Props<T>) {
  const body = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ first: 0, last: 20, height: 56 });
  const [focused, setFocused] = useState<string | null>(null);

  useLayoutEffect(() => {
    const measure = () => {
      const element = body.current;
      if (!element) return;
      const height = parseFloat(getComputedStyle(element).getPropertyValue('--row-height'));
      const above = -element.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(above / height) - OVERSCAN);
      const last = Math.max(0, Math.ceil((above + window.innerHeight) / height) + OVERSCAN);
      setView((old) =>
        old.first === first && old.last === last && old.height === height ? old : { first, last, height },
      );
    };
    measure();
    // What stands above the rows may grow and shrink.
    const observer = new ResizeObserver(measure);
    observer.observe(document.body);
    window.addEventListener('scroll', measure, { passive: true });
    window.addEventListener('resize', measure);
    return () => {
      observer.disconnect();
      window.removeEventListener('scroll', measure);
      window.removeEventListener('resize', measure);
    };
  }, []);

  const { first, last, height } = view;
  const shown = items.slice(first, last).map((item, index) => ({ item, index: first + index }));
  const focusedIndex = focused === null ? -1 : items.findIndex((item) => keyOf(item) === focused);
  const focusedItem = items[focusedIndex];
  if (focusedItem !== undefined && (focusedIndex < first || focusedIndex >= last))
    shown[focusedIndex < first ? 'unshift' : 'push']({ item: focusedItem, index: focusedIndex });

  return (
    <div
      ref={body}
      class="rows"
      role="rowgroup"
      style={{ height: `${items.length * height}px` }}
      onFocusOut={() => {
        setFocused(null);
      }}
    >
      {shown.map(({ item, index }) => (
        <div
          key={keyOf(item)}
          class={`row ${classOf(item)}`}
          role="row"
          // The header is the first.
          aria-rowindex={index + 2}
          style={{ transform: `translateY(${index * height}px)` }}
          onFocusIn={() => {
            setFocused(keyOf(item));
          }}
        >
          {children(item)}
        </div>
      ))}
    </div>
  );
}
