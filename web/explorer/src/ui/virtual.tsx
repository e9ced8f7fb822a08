import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useState } from 'preact/hooks';
import { useSize } from './use.ts';

interface Props {
  count: number;
  rowHeight: number;
  /** Items side by side. */
  columns?: number;
  /** Position that is kept in sight, and is the one a screen reader stands on. */
  active: number;
  label: string;
  item: (position: number) => ComponentChildren;
  /** A key moved to another position. */
  onMove: (position: number) => void;
  /** A position was clicked, or the enter key was pressed on it; without it, to click moves there. */
  onOpen?: (position: number) => void;
  idOf: (position: number) => string;
}

const OVERSCAN = 4;
/** Pixels that an element may be high: browsers cap it, Firefox soonest, below 18 million. */
const HIGHEST = 15_000_000;

/** A list of which only what is in sight exists; arrows, page and end keys move through it. */
export function VirtualList({ count, rowHeight, columns = 1, active, label, item, onMove, onOpen = onMove, idOf }: Props) {
  const { element, height } = useSize<HTMLDivElement>();
  const [top, setTop] = useState(0);
  const rows = Math.ceil(count / columns);
  const space = Math.min(rows * rowHeight, HIGHEST);
  // A longer list moves on by more than what is scrolled.
  const stretch = space > height ? Math.max(1, (rows * rowHeight - height) / (space - height)) : 1;
  const offset = top * stretch;

  useLayoutEffect(() => {
    const list = element.current;
    if (!list || active < 0 || height === 0) return;
    const from = Math.floor(active / columns) * rowHeight;
    const at = list.scrollTop * stretch;
    if (from < at) list.scrollTop = Math.floor(from / stretch);
    else if (from + rowHeight > at + height) list.scrollTop = Math.ceil((from + rowHeight - height) / stretch);
  }, [active, columns, rowHeight, height > 0]);

  useEffect(() => {
    if (element.current && element.current.scrollTop > space) element.current.scrollTop = 0;
  }, [rows]);

  const first = Math.max(0, Math.floor(offset / rowHeight) - OVERSCAN) * columns;
  const last = Math.min(count, (Math.ceil((offset + height) / rowHeight) + OVERSCAN) * columns);
  const visible = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);

  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / rowHeight) - 1) * columns;
    const steps: Record<string, number> = {
      ArrowDown: columns,
      ArrowUp: -columns,
      ArrowRight: columns > 1 ? 1 : 0,
      ArrowLeft: columns > 1 ? -1 : 0,
      PageDown: page,
      PageUp: -page,
      Home: -count,
      End: count,
    };
    if (event.key === 'Enter' && active >= 0) {
      event.preventDefault();
      onOpen(active);
    } else if (steps[event.key] && count > 0) {
      event.preventDefault();
      onMove(Math.min(count - 1, Math.max(0, active + steps[event.key])));
    }
  };

  return (
    <div
      ref={element}
      class="virtual"
      role="listbox"
      tabIndex={0}
      aria-label={label}
      aria-activedescendant={active >= first && active < last ? idOf(active) : undefined}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={onKeyDown}
    >
      <div class="virtual-space" style={{ height: `${space}px` }} role="presentation">
        {visible.map((position) => (
          <div
            key={position}
            id={idOf(position)}
            class="virtual-item"
            role="option"
            aria-selected={position === active}
            aria-setsize={count}
            aria-posinset={position + 1}
            style={{
              top: `${Math.floor(position / columns) * rowHeight - offset + top}px`,
              height: `${rowHeight}px`,
              left: `${(100 * (position % columns)) / columns}%`,
              width: `${100 / columns}%`,
            }}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey) return;
              onOpen(position);
            }}
          >
            {item(position)}
          </div>
        ))}
      </div>
    </div>
  );
}
