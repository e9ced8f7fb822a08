import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useEffect, useRef } from 'preact/hooks';
import { colours, theme } from '../state/theme.ts';
import { logMarks } from './log-marks.ts';
import { useSize } from './use.ts';

export interface Line {
  label: string;
  /** Name of a CSS variable, or a colour. */
  colour: string;
  bars?: boolean;
  points?: boolean;
  /** Shows a value in the legend. */
  show?: (value: number) => string;
}

interface Props {
  /** What the picture says, for those who cannot see it. */
  label: string;
  x: ArrayLike<number>;
  lines: Line[];
  ys: ArrayLike<number | null>[];
  xLabel?: string;
  height?: number;
  showX?: (value: number) => string;
  /** Smallest and largest y; what is left out follows the data. */
  range?: [number | null, number | null];
  logY?: boolean;
}

const plain = (value: number) => String(Number(value.toPrecision(3)));

/** The exponent of a value; nothing for what has none. */
const exponent = (value: number | null) => (value !== null && value > 0 ? Math.log10(value) : null);

function seriesOf(line: Line, ink: string, logY: boolean): uPlot.Series {
  const colour = line.colour || ink;
  return {
    label: line.label,
    stroke: colour,
    width: line.bars ? 0 : 1.6,
    fill: line.bars ? colour : undefined,
    points: { show: line.points ?? false, size: 4 },
    paths: line.bars ? uPlot.paths.bars!({ size: [0.9, 60] }) : undefined,
    value: (_, value) => (value === null || value === undefined ? '–' : (line.show ?? plain)(logY ? 10 ** value : value)),
    spanGaps: true,
  };
}

function optionsOf(props: Props, width: number): uPlot.Options {
  const { ink, faint, line: grid } = colours('ink', 'faint', 'line');
  const axis: uPlot.Axis = {
    stroke: faint,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
    labelFont: '11px system-ui, sans-serif',
  };
  const [low, high] = props.range ?? [null, null];
  return {
    width,
    height: props.height ?? 160,
    padding: [8, 10, 0, 0],
    legend: { live: true },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { time: false },
      y: {
        range: (_, min, max) => {
          if (min === null || max === null) return [0, 1];
          if (props.logY) return [min - 0.05, max + 0.05];
          const [from, to] = [low ?? min, high ?? max];
          return from === to ? [from - 1, to + 1] : [from, to + (high === null ? 0.05 * (to - from) : 0)];
        },
      },
    },
    axes: [
      { ...axis, label: props.xLabel, labelSize: props.xLabel ? 18 : 0, size: 26, grid: { show: false } },
      {
        ...axis,
        size: 46,
        ...(props.logY ? { splits: (_: uPlot, __: number, from: number, to: number) => logMarks(from, to) } : {}),
        values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : plain(props.logY ? 10 ** tick : tick))),
      },
    ],
    series: [
      { label: props.xLabel ?? 'x', value: (_, value) => (value === null ? '–' : (props.showX ?? plain)(value)) },
      ...props.lines.map((line) => seriesOf(line, ink, props.logY ?? false)),
    ],
  };
}

/** Curves or bars over a common x. */
export function Plot(props: Props) {
  const { element, width } = useSize<HTMLDivElement>();
  const plot = useRef<uPlot | null>(null);
  const ys = props.logY ? props.ys.map((values) => Array.from(values, exponent)) : props.ys;
  const data = [props.x, ...ys] as unknown as uPlot.AlignedData;
  const shape = props.lines.map(({ label, colour }) => label + colour).join() + props.label;

  useEffect(() => {
    if (!element.current || width < 40) return;
    plot.current = new uPlot(optionsOf(props, width), data, element.current);
    return () => {
      plot.current?.destroy();
      plot.current = null;
    };
  }, [width, theme.value, shape, props.logY]);

  useEffect(() => plot.current?.setData(data), [props.x, ...props.ys]);

  return <div ref={element} class="plot" role="img" aria-label={props.label} />;
}
