import { useState } from 'preact/hooks';
import type { Atlas } from '../../atlas/atlas.ts';
import type { Part } from '../../atlas/reconstruct.ts';
import { hue } from '../../ui/palette.ts';
import { Heat, Picture } from '../../ui/thumb.tsx';
import { OTHER, SHOWN_HUES } from './shades.ts';

interface Props {
  atlas: Atlas;
  index: number;
  parts: Part[];
  /** The strongest of the first parts in each cell, -1 where none of them fires. */
  strongest: Int32Array;
  chosen: number | null;
  /** A concept that is pointed at in the list. */
  lit: number | null;
  onChoose: (cell: number | null) => void;
}

const MODES = {
  picture: 'Picture',
  strongest: 'Strongest concept',
  stacked: 'All concepts',
} as const;
type Mode = keyof typeof MODES;

/** The example's cells: whose they are, and a way to choose one. */
export function Cells(props: Props) {
  const { atlas, index, parts, lit } = props;
  const grid = atlas.manifest.grid;
  const [mode, setMode] = useState<Mode>('strongest');
  if (!grid) return <Stack parts={parts} />;
  const shown = lit === null ? undefined : parts.find(({ concept }) => concept === lit);
  const most = shown ? Math.max(...shown.byCell) : 0;
  return (
    <figure class="cells">
      <div class="cells-picture">
        <Picture atlas={atlas} row={index * atlas.cells} />
        {shown ? <Heat cells={shown.byCell} grid={grid} most={most || 1} /> : <Overlay {...props} grid={grid} mode={mode} />}
        <CellButtons {...props} grid={grid} />
      </div>
      <figcaption class="modes" role="group" aria-label="What the cells show">
        {(Object.keys(MODES) as Mode[]).map((key) => (
          <button key={key} type="button" class="quiet" aria-pressed={mode === key} onClick={() => setMode(key)}>
            {MODES[key]}
          </button>
        ))}
      </figcaption>
    </figure>
  );
}

function Overlay({ parts, strongest, grid, mode }: Props & { grid: [number, number]; mode: Mode }) {
  if (mode === 'picture') return null;
  const [height, width] = grid;
  return (
    <svg class="heat" viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {Array.from(strongest, (part, cell) => {
        const [x, y] = [cell % width, Math.floor(cell / width)];
        if (mode === 'strongest') {
          return part < 0 ? null : <rect key={cell} x={x} y={y} width="1" height="1" fill={hue(part)} fill-opacity="0.55" />;
        }
        return <CellStack key={cell} parts={parts} cell={cell} x={x} y={y} />;
      })}
    </svg>
  );
}

/** Shares of a cell's codes, beside each other. */
function CellStack({ parts, cell, x, y }: { parts: Part[]; cell: number; x: number; y: number }) {
  const total = parts.reduce((sum, part) => sum + part.byCell[cell], 0) || 1;
  let from = 0.08;
  return (
    <g>
      <rect x={x + 0.04} y={y + 0.6} width="0.92" height="0.34" fill="#fff" fill-opacity="0.85" />
      {parts.map((part, i) => {
        const share = (0.84 * part.byCell[cell]) / total;
        if (share === 0) return null;
        const left = from;
        from += share;
        return <rect key={part.concept} x={x + left} y={y + 0.66} width={share} height="0.22" fill={i < SHOWN_HUES ? hue(i) : OTHER} />;
      })}
    </g>
  );
}

function CellButtons({ parts, strongest, chosen, onChoose, grid }: Props & { grid: [number, number] }) {
  const [height, width] = grid;
  const onKeyDown = (event: KeyboardEvent, cell: number) => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width };
    const next = cell + (steps[event.key] ?? 0);
    if (next === cell || next < 0 || next >= width * height) return;
    event.preventDefault();
    const box = (event.currentTarget as HTMLElement).parentElement!;
    (box.children[next] as HTMLElement).focus();
  };
  return (
    <div class="cell-buttons" style={{ gridTemplateColumns: `repeat(${width}, 1fr)` }} role="group" aria-label="Cells">
      {Array.from(strongest, (part, cell) => (
        <button
          key={cell}
          type="button"
          tabIndex={cell === (chosen ?? 0) ? 0 : -1}
          aria-pressed={chosen === cell}
          aria-label={`Row ${Math.floor(cell / width) + 1}, column ${(cell % width) + 1}: ${part < 0 ? 'none of the first concepts' : `strongest concept ${parts[part].concept}`}`}
          onClick={() => onChoose(chosen === cell ? null : cell)}
          onKeyDown={(event) => onKeyDown(event, cell)}
        />
      ))}
    </div>
  );
}

/** The shares of the concepts in a row without cells. */
function Stack({ parts }: { parts: Part[] }) {
  const total = parts.reduce((sum, { sum: part }) => sum + part, 0) || 1;
  return (
    <div class="stack" role="img" aria-label="Shares of the concepts in the sum of the codes">
      {parts.map(({ concept, sum }, i) => (
        <span key={concept} title={`concept ${concept}`} style={{ flexGrow: sum / total, background: i < SHOWN_HUES ? hue(i) : OTHER }} />
      ))}
    </div>
  );
}
