import { useEffect, useRef, useState } from 'preact/hooks';
import type { Atlas, Example } from '../atlas/atlas.ts';
import { messageOf } from '../state/sets.ts';

/** What a promise came to. */
export interface Loaded<T> {
  value?: T;
  error?: string;
}

/** Runs `load` whenever `keys` change; what came before stays until the next is there, unless `fresh`. */
export function useLoaded<T>(load: () => Promise<T>, keys: readonly unknown[], fresh = false): Loaded<T> {
  const [state, setState] = useState<Loaded<T>>({});
  useEffect(() => {
    let wanted = true;
    if (fresh) setState({});
    load().then(
      (value) => wanted && setState({ value }),
      (error: unknown) => wanted && setState({ error: messageOf(error) }),
    );
    return () => {
      wanted = false;
    };
  }, keys);
  return state;
}

/** An example, at once if its file is there. */
export function useExample(atlas: Atlas, index: number): Example {
  const known = atlas.knowsExamples ? atlas.peekExample(index) : {};
  const { value } = useLoaded(() => (known ? Promise.resolve(known) : atlas.example(index)), [atlas, index], true);
  return known ?? value ?? {};
}

/** Width and height of an element in CSS pixels, now and when they change. */
export function useSize<T extends HTMLElement>() {
  const element = useRef<T>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    });
    if (element.current) observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return { element, ...size };
}

/** Whether a list and what is chosen in it take turns on a narrow screen: as in style/concepts.css. */
const takesTurns = () => matchMedia('(max-width: 760px)').matches;

/**
 * The position of a list's keyboard: the one that is shown, except where choosing hides the list. There arrows only move, and enter
 * opens.
 */
export function useListKeys(list: unknown, shown: number, open: (position: number) => void) {
  const [at, setAt] = useState<{ list: unknown; shown: number; position: number } | null>(null);
  const moved = at && at.list === list && at.shown === shown ? at.position : null;
  const setMoved = (position: number) => setAt({ list, shown, position });
  const onOpen = (position: number) => {
    open(position);
    if (takesTurns()) focusSoon('.detail');
  };
  return {
    active: moved ?? shown,
    onMove: (position: number) => (takesTurns() ? setMoved(position) : open(position)),
    onOpen,
  };
}

/** Gives the keyboard back to the list that takes the place of what was open. */
export function focusList(): void {
  focusSoon('.virtual');
}

/** Once it is on the screen. */
function focusSoon(selector: string): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>(selector)?.focus());
}
