import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Atlas } from '../../atlas/atlas.ts';
import { isDead, labelOf } from '../../atlas/concepts.ts';
import type { Details } from '../../atlas/tables.ts';
import { go, route } from '../../state/route.ts';
import { CopyLink } from '../../ui/copy-link.tsx';
import { FiringCard } from '../../ui/firing.tsx';
import { Failure, Notice, Waiting } from '../../ui/notice.tsx';
import { figure, percent, shortLabel } from '../../ui/text.ts';
import { useLoaded } from '../../ui/use.ts';
import { Activations } from './activations.tsx';
import { MadeOf } from './made-of.tsx';
import { Related } from './related.tsx';
import { useSharedWords } from './shared-words.ts';

interface Props {
  atlas: Atlas;
  concept: number;
  onBack: () => void;
  onPrevious?: () => void;
  onNext?: () => void;
}

/** All there is to see of one concept. */
export function ConceptDetail({ atlas, concept, onBack, onPrevious, onNext }: Props) {
  const { value, error } = useLoaded(
    () => atlas.details(concept).then((details) => ({ concept, atlas, details })),
    [atlas, concept],
  );
  // The one before stays, dimmed, until this one is there: no flash on the way through the list.
  const held = value?.atlas === atlas ? value : undefined;
  const article = useRef<HTMLElement>(null);
  useLayoutEffect(() => article.current?.scrollTo({ top: 0 }), [concept, atlas]);
  return (
    <article ref={article} class="detail" tabIndex={-1} aria-label={`Concept ${concept}`} aria-busy={held?.concept !== concept}>
      <header class="detail-head">
        <button type="button" class="quiet back" onClick={onBack}>
          ‹ All concepts
        </button>
        <h2>Concept {concept}</h2>
        <Label atlas={atlas} concept={concept} />
        <span class="grow" />
        <div class="actions">
          <button type="button" class="quiet" onClick={onPrevious} disabled={!onPrevious} aria-label="Previous concept of the list">
            ‹
          </button>
          <button type="button" class="quiet" onClick={onNext} disabled={!onNext} aria-label="Next concept of the list">
            ›
          </button>
          {atlas.files.shareable && <CopyLink />}
        </div>
      </header>
      <Figures atlas={atlas} concept={concept} />
      {error ? (
        <Failure message={error} />
      ) : held ? (
        <Body key={held.concept} atlas={atlas} concept={held.concept} details={held.details} />
      ) : (
        <Waiting what="Loading the concept" />
      )}
    </article>
  );
}

function Label({ atlas, concept }: { atlas: Atlas; concept: number }) {
  const label = labelOf(atlas.concepts, atlas.manifest.labels, concept);
  if (!label) return null;
  const purity = percent(atlas.concepts.purity[concept]);
  return (
    <span class="tag" title={`${label}: ${purity} of this concept's energy falls on examples with this label`}>
      {shortLabel(label)} <b>{purity}</b>
    </span>
  );
}

function Figures({ atlas, concept }: { atlas: Atlas; concept: number }) {
  const { concepts } = atlas;
  const shown: [string, string, string][] = [
    ['fires in', percent(concepts.frequency[concept]), `Share of ${atlas.manifest.grid ? 'cells' : 'rows'} in which its code is above 0`],
    ['energy', figure(concepts.energy[concept]), 'Mean of the squared code over all rows'],
    ['largest code', figure(concepts.max[concept]), 'The code of its strongest example'],
    ['mean code', figure(concepts.mean[concept]), 'Mean of its codes where it fires'],
  ];
  return (
    <dl class="figures">
      {shown.map(([name, value, title]) => (
        <div key={name} title={title}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Body({ atlas, concept, details }: { atlas: Atlas; concept: number; details: Details }) {
  const most = atlas.concepts.max[concept];
  const words = useSharedWords(atlas, details);
  const [all, setAll] = useState(false);
  const pictures = atlas.look === 'images';
  const noun = pictures ? 'pictures' : atlas.look === 'texts' ? 'texts' : 'rows';
  if (isDead(atlas.concepts, concept)) {
    return (
      <>
        <Notice title="A dead concept">It fires in no row of this data, so there are no examples of it.</Notice>
        {details.points && <MadeOf atlas={atlas} concept={concept} points={details.points} />}
        <Related atlas={atlas} title="Nearest atoms" note="by the cosine of the atoms" related={details.near} show={figure} />
      </>
    );
  }
  return (
    <>
      <div class="lead">
      <section aria-labelledby="strongest">
        <div class="section-head">
          <h3 id="strongest">Fires strongest on</h3>
          {atlas.manifest.grid && pictures && <HeatSwitch />}
        </div>
        {words.size > 0 && (
          <p class="note">
            Words they share: {[...words].map((word) => [<mark key={word}>{word}</mark>, ' '])}
          </p>
        )}
        <div class={`firings firings-${atlas.look}`}>
          {(all || pictures ? details.top : details.top.slice(0, FIRST_TEXTS)).map((firing) => (
            <FiringCard key={firing.row} atlas={atlas} firing={firing} most={most} words={words} />
          ))}
        </div>
        {!pictures && details.top.length > FIRST_TEXTS && (
          <button type="button" class="link" onClick={() => setAll(!all)}>
            {all ? 'Show fewer' : `Show all ${details.top.length}`}
          </button>
        )}
      </section>
      {details.points && <MadeOf atlas={atlas} concept={concept} points={details.points} />}
      </div>
      <Activations atlas={atlas} concept={concept} histogram={details.histogram} />
      <section aria-labelledby="quantiles">
        <h3 id="quantiles">From strong to weak</h3>
        <p class="note">Samples from each fifth of the {noun} in which it fires: does it still mean the same when it is weak?</p>
        <div class="quantiles">
          {details.quantiles.map((firings, fifth) => (
            <div key={fifth} class="quantile">
              <h4>{QUANTILES[fifth] ?? `fifth ${fifth + 1}`}</h4>
              <div class={`firings firings-${atlas.look} firings-small`}>
                {firings.map((firing) => (
                  <FiringCard key={firing.row} atlas={atlas} firing={firing} most={most} words={words} />
                ))}
              </div>
            </div>
          ))}
        </div>
      </section>
      <div class="pair">
        <Related atlas={atlas} title="Nearest concepts" note="by the cosine of their atoms" related={details.near} show={figure} />
        <Related atlas={atlas} title="Fires together with" note="share of rows in which both fire, of those in which either does" related={details.together} show={percent} />
      </div>
    </>
  );
}

/** So many texts are shown at first. */
const FIRST_TEXTS = 10;
const QUANTILES = ['strongest fifth', 'second', 'third', 'fourth', 'weakest fifth'];

function HeatSwitch() {
  return (
    <label class="switch">
      <input type="checkbox" checked={route.value.heat} onChange={(event) => go({ heat: event.currentTarget.checked }, true)} />
      Heat maps
    </label>
  );
}
