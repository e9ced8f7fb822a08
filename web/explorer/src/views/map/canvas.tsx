import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Atlas } from '../../atlas/atlas.ts';
import type { Backdrop, Points } from '../../atlas/tables.ts';
import { colours, theme } from '../../state/theme.ts';
import { useSize } from '../../ui/use.ts';
import { draw, pointRadius } from './draw.ts';
import type { Looks } from './looks.ts';
import { type Camera, type Extent, fit, hit, pan, towards, zoomAt } from './scene.ts';
import { useGestures } from './gestures.ts';

/** What lies under the pointer, and where. */
export interface Hovered {
  concept: number;
  point: number;
  x: number;
  y: number;
}

interface Props {
  atlas: Atlas;
  atoms: Float32Array;
  looks: Looks;
  /** Left out where the layout is not the principal axes. */
  backdrop?: Backdrop;
  points?: Points;
  chosen: number;
  madeOf: { point: number; weight: number }[];
  onHover: (hovered: Hovered | null) => void;
  onChoose: (concept: number) => void;
  onChoosePoint: (point: number) => void;
  onOpen: () => void;
}

/** Shows nearly all atoms and points; the last few may lie far out. */
function homeOf(atoms: Float32Array, points: Points | undefined, extent: Extent): Camera {
  const all = new Float32Array(atoms.length + (points?.xy.length ?? 0));
  all.set(atoms);
  if (points) all.set(points.xy, atoms.length);
  return fit(all, extent);
}

/** The scatter plot: drag, wheel, pinch, arrow keys. */
export function MapCanvas(props: Props) {
  const { atoms, looks, backdrop, points, chosen, madeOf } = props;
  const { element, width, height } = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const extent = useMemo(() => ({ width, height }), [width, height]);
  const home = useMemo(() => (width && height ? homeOf(atoms, points, extent) : null), [atoms, points, extent]);
  const [moved, setMoved] = useState<Camera | null>(null);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const camera = moved ?? home;
  useEffect(() => setMoved(null), [home]);

  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (!context || !camera || !canvas.current) return;
    const ratio = devicePixelRatio || 1;
    canvas.current.width = Math.round(width * ratio);
    canvas.current.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw(context, {
      camera,
      extent,
      atoms,
      looks,
      rows: backdrop?.xy,
      points,
      chosen,
      madeOf,
      hovered: hovered?.concept ?? -1,
      hoveredPoint: hovered?.point ?? -1,
      colours: colours('ink', 'faint', 'line', 'page', 'spark'),
    });
  }, [camera, extent, atoms, looks, backdrop, points, chosen, madeOf, hovered, theme.value]);

  const under = (x: number, y: number): Hovered | null => {
    if (!camera) return null;
    const concept = hit(atoms, (i) => looks.radius[i], camera, extent, x, y);
    if (concept >= 0) return { concept, point: -1, x, y };
    const point = points ? hit(points.xy, (i) => pointRadius(points, i), camera, extent, x, y) : -1;
    return point >= 0 ? { concept: -1, point, x, y } : null;
  };
  const hover = (next: Hovered | null) => {
    if (next?.concept === hovered?.concept && next?.point === hovered?.point) return;
    setHovered(next);
    props.onHover(next);
  };
  const gestures = useGestures({
    element,
    onPan: (dx, dy) => camera && setMoved(pan(camera, dx, dy)),
    onZoom: (factor, x, y) => camera && setMoved(zoomAt(camera, extent, factor, x, y)),
    onHover: (x, y) => hover(under(x, y)),
    onLeave: () => hover(null),
    onClick: (x, y) => {
      const found = under(x, y);
      if (found && found.concept >= 0) props.onChoose(found.concept);
      else if (found) props.onChoosePoint(found.point);
    },
  });
  const zoom = (factor: number) => camera && setMoved(zoomAt(camera, extent, factor, width / 2, height / 2));
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && chosen >= 0) props.onOpen();
    else if (event.key === '+' || event.key === '=') zoom(1.4);
    else if (event.key === '-') zoom(1 / 1.4);
    else if (event.key === '0') setMoved(null);
    else if (event.key.startsWith('Arrow')) {
      const next = chosen < 0 ? 0 : towards(atoms, chosen, event.key);
      if (next >= 0) props.onChoose(next);
    } else return;
    event.preventDefault();
  };

  return (
    <div ref={element} class="map-field" data-over={hovered !== null}>
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-roledescription="map"
        aria-label="Map of concepts. Arrow keys move to the nearest concept, Enter opens it, plus and minus zoom."
        onKeyDown={onKeyDown}
        {...gestures}
      />
      <div class="map-zoom">
        <button type="button" class="quiet" onClick={() => zoom(1.4)} aria-label="Zoom in">
          +
        </button>
        <button type="button" class="quiet" onClick={() => zoom(1 / 1.4)} aria-label="Zoom out">
          −
        </button>
        <button type="button" class="quiet" onClick={() => setMoved(null)} aria-label="Show all">
          ⤢
        </button>
      </div>
    </div>
  );
}
