import { useMemo, useState } from 'preact/hooks';
import type { Atlas } from '../../atlas/atlas.ts';
import { COLOURS, go, type Layout, LAYOUTS, route, SIZES } from '../../state/route.ts';
import { theme } from '../../state/theme.ts';
import { Failure, Waiting } from '../../ui/notice.tsx';
import { percent } from '../../ui/text.ts';
import { useLoaded } from '../../ui/use.ts';
import { type Hovered, MapCanvas } from './canvas.tsx';
import { ConceptCard, HoverCard, PointCard } from './cards.tsx';
import { forgetUmap, umapOf } from './layout.ts';
import { Legend } from './legend.tsx';
import { looksOf } from './looks.ts';

const LAYOUT_NAMES: Record<Layout, string> = { pca: 'PCA', umap: 'UMAP' };
const NONE: never[] = [];

/** Atoms and points in the plane. */
export function MapView({ atlas }: { atlas: Atlas }) {
  const { layout, colour, size, concept } = route.value;
  const point = atlas.archetypal && route.value.point !== null && route.value.point < atlas.manifest.points! ? route.value.point : null;
  const { value: back, error } = useLoaded(() => Promise.all([atlas.backdrop(), atlas.points()]), [atlas]);
  const umap = layout === 'umap' ? umapOf(atlas).value : undefined;
  const looks = useMemo(() => looksOf(atlas, colour, size, theme.value), [atlas, colour, size, theme.value]);
  const [hovered, setHovered] = useState<Hovered | null>(null);
  const chosen = concept !== null && concept < atlas.concepts.count ? concept : -1;
  const { value: details } = useLoaded(() => (chosen < 0 ? Promise.resolve(undefined) : atlas.details(chosen)), [atlas, chosen], true);
  const [backdrop, points] = back ?? [];
  const flat = layout === 'pca';

  if (error) return <Failure message={error} />;
  return (
    <div class="map">
      <Controls atlas={atlas} />
      <div class="map-stage">
        {umap?.status === 'failed' ? (
          <Failure message={umap.message}>
            <button
              type="button"
              onClick={() => {
                forgetUmap(atlas);
                go({ layout: 'pca' }, true);
              }}
            >
              Show the principal axes instead
            </button>
          </Failure>
        ) : umap?.status === 'working' ? (
          <Waiting what={`Arranging the atoms by UMAP${umap.of ? `, ${percent(umap.done / umap.of)}` : ''}`} />
        ) : (
          <MapCanvas
            atlas={atlas}
            atoms={umap?.status === 'ready' ? umap.xy : atlas.concepts.xy}
            looks={looks}
            backdrop={flat ? backdrop : undefined}
            points={flat ? (points ?? undefined) : undefined}
            chosen={chosen}
            madeOf={details?.points ?? NONE}
            onHover={setHovered}
            onChoose={(id) => go({ concept: id, point: null }, true)}
            onChoosePoint={(id) => go({ point: id }, true)}
            onOpen={() => go({ view: 'concepts' })}
          />
        )}
        {hovered && points !== undefined && <HoverCard atlas={atlas} hovered={hovered} points={points} />}
        <Legend looks={looks} colour={colour} points={flat && atlas.archetypal} explained={flat ? backdrop?.explained : undefined} />
      </div>
      {point !== null && points ? (
        <PointCard atlas={atlas} points={points} point={point} onClose={() => go({ point: null }, true)} />
      ) : chosen >= 0 ? (
        <ConceptCard atlas={atlas} concept={chosen} details={details} onClose={() => go({ concept: null }, true)} />
      ) : null}
    </div>
  );
}

function Controls({ atlas }: { atlas: Atlas }) {
  const { layout, colour, size } = route.value;
  const colours = COLOURS.filter((key) => (key !== 'label' && key !== 'purity') || atlas.manifest.labels.length).filter(
    (key) => key !== 'entropy' || atlas.archetypal,
  );
  return (
    <div class="toolbar map-controls">
      <Choice label="Layout" value={layout} options={LAYOUTS} names={LAYOUT_NAMES} onChange={(value) => go({ layout: value }, true)} />
      <Choice label="Colour" value={colours.includes(colour) ? colour : 'energy'} options={colours} onChange={(value) => go({ colour: value }, true)} />
      <Choice label="Size" value={size} options={SIZES} onChange={(value) => go({ size: value }, true)} />
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly T[];
  names?: Record<T, string>;
  onChange: (value: T) => void;
}

function Choice<T extends string>({ label, value, options, names, onChange }: ChoiceProps<T>) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map((option) => (
          <option key={option} value={option}>
            {names?.[option] ?? option}
          </option>
        ))}
      </select>
    </label>
  );
}
