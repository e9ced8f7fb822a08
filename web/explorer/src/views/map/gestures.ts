import type { RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Gestures {
  element: RefObject<HTMLElement | null>;
  onPan: (dx: number, dy: number) => void;
  onZoom: (factor: number, x: number, y: number) => void;
  onHover: (x: number, y: number) => void;
  onLeave: () => void;
  onClick: (x: number, y: number) => void;
}

/** A pointer that moved less than this clicked. */
const CLICK_SLACK = 5;

/** Turns pointers and the wheel into panning, zooming, hovering and clicks, in pixels of the element. */
export function useGestures(gestures: Gestures) {
  const latest = useRef(gestures);
  latest.current = gestures;
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const travelled = useRef(0);

  const place = (event: { clientX: number; clientY: number }) => {
    const box = latest.current.element.current!.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  // The wheel must not scroll the page as well, so the listener cannot be a passive one.
  useEffect(() => {
    const element = gestures.element.current;
    if (!element) return;
    const onWheel = (event: WheelEvent) => {
      event.preventDefault();
      const { x, y } = place(event);
      latest.current.onZoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), x, y);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, []);

  const onPointerDown = (event: PointerEvent) => {
    (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
    pointers.current.set(event.pointerId, place(event));
    if (pointers.current.size === 1) travelled.current = 0;
  };
  const onPointerMove = (event: PointerEvent) => {
    const now = place(event);
    const before = pointers.current.get(event.pointerId);
    if (!before) {
      latest.current.onHover(now.x, now.y);
      return;
    }
    travelled.current += Math.hypot(now.x - before.x, now.y - before.y);
    const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
    pointers.current.set(event.pointerId, now);
    if (other) {
      const spread = (from: { x: number; y: number }) => Math.max(1, Math.hypot(from.x - other.x, from.y - other.y));
      latest.current.onZoom(spread(now) / spread(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (travelled.current > CLICK_SLACK) latest.current.onPan(now.x - before.x, now.y - before.y);
  };
  const onPointerUp = (event: PointerEvent) => {
    const was = pointers.current.get(event.pointerId);
    pointers.current.delete(event.pointerId);
    if (was && pointers.current.size === 0 && travelled.current <= CLICK_SLACK) latest.current.onClick(was.x, was.y);
  };
  const onPointerCancel = (event: PointerEvent) => void pointers.current.delete(event.pointerId);
  const onPointerLeave = () => latest.current.onLeave();
  return { onPointerDown, onPointerMove, onPointerUp, onPointerCancel, onPointerLeave };
}
