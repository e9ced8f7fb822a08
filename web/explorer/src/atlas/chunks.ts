/** A stretch of rows within one file. */
export interface Piece {
  /** Number of the file. */
  file: number;
  /** First row within the file. */
  from: number;
  count: number;
  /** Where these rows stand in what was asked for. */
  at: number;
}

/** The files that hold rows `start` to `start + count`, with `chunk` rows each. */
export function piecesOf(start: number, count: number, chunk: number): Piece[] {
  const pieces: Piece[] = [];
  for (let row = start; row < start + count; ) {
    const file = Math.floor(row / chunk);
    const from = row - file * chunk;
    const taken = Math.min(chunk - from, start + count - row);
    pieces.push({ file, from, count: taken, at: row - start });
    row += taken;
  }
  return pieces;
}

/** Number of files. */
export function filesFor(rows: number, chunk: number): number {
  return Math.ceil(rows / chunk);
}
