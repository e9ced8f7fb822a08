import type { Points } from '../../atlas/tables.ts';
import { type Camera, type Extent, toScreen } from './scene.ts';
import type { Looks } from './looks.ts';

export interface Picture {
  camera: Camera;
  extent: Extent;
  atoms: Float32Array;
  looks: Looks;
  /** Only on the principal axes. */
  rows?: Float32Array;
  points?: Points;
  /** Which concept stands out, and which is under the pointer; -1 for none. */
  chosen: number;
  hovered: number;
  hoveredPoint: number;
  /** The points of the chosen atom. */
  madeOf: { point: number; weight: number }[];
  colours: { ink: string; faint: string; line: string; page: string; spark: string };
}

const FULL = 2 * Math.PI;

/** How large a point is drawn. */
export function pointRadius(points: Points, point: number): number {
  return 2.5 + 3.5 * Math.min(1.6, Math.sqrt(points.weight[point]) / 1.5);
}

/** Draws the whole map. */
export function draw(context: CanvasRenderingContext2D, picture: Picture): void {
  const { extent } = picture;
  context.clearRect(0, 0, extent.width, extent.height);
  drawRows(context, picture);
  drawPoints(context, picture);
  drawAtoms(context, picture);
  drawMixture(context, picture);
}

function at(picture: Picture, xy: Float32Array, i: number): [number, number] {
  return toScreen(picture.camera, picture.extent, xy[2 * i], xy[2 * i + 1]);
}

function drawRows(context: CanvasRenderingContext2D, picture: Picture): void {
  if (!picture.rows) return;
  context.fillStyle = picture.colours.line;
  for (let i = 0; i < picture.rows.length / 2; i++) {
    const [x, y] = at(picture, picture.rows, i);
    context.fillRect(x - 1.2, y - 1.2, 2.4, 2.4);
  }
}

function diamond(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.moveTo(x, y - radius);
  context.lineTo(x + radius, y);
  context.lineTo(x, y + radius);
  context.lineTo(x - radius, y);
  context.closePath();
}

function drawPoints(context: CanvasRenderingContext2D, picture: Picture): void {
  if (!picture.points) return;
  context.strokeStyle = picture.colours.faint;
  context.lineWidth = 1;
  context.globalAlpha = 0.75;
  for (let i = 0; i < picture.points.count; i++) {
    const [x, y] = at(picture, picture.points.xy, i);
    diamond(context, x, y, pointRadius(picture.points, i));
    context.stroke();
  }
  context.globalAlpha = 1;
  if (picture.hoveredPoint >= 0) {
    const [x, y] = at(picture, picture.points.xy, picture.hoveredPoint);
    diamond(context, x, y, pointRadius(picture.points, picture.hoveredPoint) + 2);
    context.strokeStyle = picture.colours.ink;
    context.lineWidth = 2;
    context.stroke();
  }
}

function drawAtoms(context: CanvasRenderingContext2D, picture: Picture): void {
  const { atoms, looks, colours } = picture;
  context.strokeStyle = colours.page;
  context.lineWidth = 0.8;
  context.globalAlpha = 0.88;
  for (let i = 0; i < atoms.length / 2; i++) {
    const [x, y] = at(picture, atoms, i);
    const radius = looks.radius[i];
    if (x < -radius || y < -radius || x > picture.extent.width + radius || y > picture.extent.height + radius) continue;
    context.fillStyle = looks.colour[i];
    context.beginPath();
    context.arc(x, y, radius, 0, FULL);
    context.fill();
    context.stroke();
  }
  context.globalAlpha = 1;
  for (const [i, colour] of [[picture.hovered, colours.ink], [picture.chosen, colours.spark]] as const) {
    if (i < 0 || 2 * i >= atoms.length) continue;
    const [x, y] = at(picture, atoms, i);
    context.strokeStyle = colour;
    context.lineWidth = 2.5;
    context.beginPath();
    context.arc(x, y, looks.radius[i] + 3, 0, FULL);
    context.stroke();
  }
}

/** Lines from the chosen atom to the points it is made of. */
function drawMixture(context: CanvasRenderingContext2D, picture: Picture): void {
  const { points, chosen, madeOf, atoms, colours } = picture;
  if (!points || chosen < 0 || 2 * chosen >= atoms.length) return;
  const [x, y] = at(picture, atoms, chosen);
  context.strokeStyle = colours.spark;
  for (const { point, weight } of madeOf) {
    const [px, py] = at(picture, points.xy, point);
    context.lineWidth = 0.7 + 4 * weight;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(px, py);
    context.stroke();
    diamond(context, px, py, pointRadius(points, point) + 1);
    context.fillStyle = colours.spark;
    context.fill();
  }
}
