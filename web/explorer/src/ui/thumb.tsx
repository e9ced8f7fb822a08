import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Atlas } from '../atlas/atlas.ts';
import { route } from '../state/route.ts';
import { paintHeat } from './heat.ts';
import { useExample } from './use.ts';

/** A heat map that fills what it lies in. */
export function Heat({ cells, grid, most }: { cells: ArrayLike<number>; grid: [number, number]; most: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (canvas.current) paintHeat(canvas.current, cells, grid, most);
  }, [cells, grid, most]);
  return <canvas ref={canvas} class="heat" aria-hidden="true" />;
}

/** A frame around one cell of a grid, in percent of what it lies in. */
export function CellFrame({ cell, grid }: { cell: number; grid: [number, number] }) {
  const [height, width] = grid;
  const style = {
    left: `${(100 * (cell % width)) / width}%`,
    top: `${(100 * Math.floor(cell / width)) / height}%`,
    width: `${100 / width}%`,
    height: `${100 / height}%`,
  };
  return <span class="cell-frame" style={style} aria-hidden="true" />;
}

interface ThumbProps {
  atlas: Atlas;
  /** The row it stands for: its example, and its cell. */
  row: number;
  heat?: Uint8Array;
  /** Frames the row's cell. */
  frame?: boolean;
}

/** A picture of the example of a row, with its heat map. */
export function Picture({ atlas, row, heat, frame }: ThumbProps) {
  const index = atlas.exampleOf(row);
  const example = useExample(atlas, index);
  const { grid, heat_scale } = atlas.manifest;
  return (
    <span class="picture">
      {example.image ? (
        <img src={atlas.files.image(example.image)} alt={nameOf(example, index)} loading="lazy" decoding="async" draggable={false} />
      ) : (
        <span class="picture-blank" />
      )}
      {grid && heat && route.value.heat && <Heat cells={heat} grid={grid} most={heat_scale} />}
      {grid && frame && <CellFrame cell={row % atlas.cells} grid={grid} />}
    </span>
  );
}

/** What one would call an example. */
export function nameOf(example: { name?: string; text?: string; label?: string | null }, index: number): string {
  return example.name ?? example.text ?? `example ${index}`;
}
