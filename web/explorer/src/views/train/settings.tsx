import { busy, change, resetSettings, settings } from '../../state/training.ts';
import type { FitSettings } from '../../worker/protocol.ts';
import { type Named, Setting } from './setting.tsx';

type Numeric = { [K in keyof FitSettings]: FitSettings[K] extends number ? K : never }[keyof FitSettings];

const MODELS: Record<FitSettings['model'], string> = {
  'ra-topk': 'Archetypal, top-k',
  'ra-jump': 'Archetypal, thresholds',
  'ra-batch-topk': 'Archetypal, batch top-k',
  topk: 'Free, top-k',
  jump: 'Free, thresholds',
  'batch-topk': 'Free, batch top-k',
};

const NORMALISE: Record<FitSettings['normalize'], string> = { standardize: 'standardise', center: 'centre', none: 'nothing' };
const DEVICES: Record<FitSettings['backend'], string> = { auto: 'automatic', gpu: 'GPU (WebGPU)', cpu: 'CPU' };

/** All settings, the usual ones in sight. `model`: whether it can be chosen. */
export function SettingsForm({ model = true }: { model?: boolean }) {
  const now = settings.value;
  const archetypal = !model || now.model.startsWith('ra-');
  const jump = model && now.model.endsWith('jump');
  return (
    <fieldset class="settings" disabled={busy.value}>
      <legend>Settings</legend>
      {model && (
        <Setting label="Model" note="Archetypal atoms are mixtures of points of the data; free ones are anything">
          {(named) => <Select named={named} value={now.model} options={MODELS} onChange={(value) => change({ model: value })} />}
        </Setting>
      )}
      <Count name="concepts" label="Concepts" note="Atoms of the dictionary, K" />
      {archetypal && <Count name="points" label="Points" note="Centres of the data that atoms are mixed from" />}
      {jump ? (
        <Count name="targetL0" label="Target L0" note="Concepts active in a row, on the mean" />
      ) : (
        <Count name="topK" label="Top-k" note="Concepts that may be active in a row" />
      )}
      <Count name="epochs" label="Epochs" note="Passes over the data" />
      <Count name="seed" label="Seed" note="The same seed on the same device gives the same model" min={0} />
      <details>
        <summary>More settings</summary>
        {archetypal && <Amount name="delta" label="δ" note="How far an atom may leave the points' hull, as a share of their mean length; 0: not at all" />}
        <Count name="batchSize" label="Batch size" note="Rows in a step" />
        <Amount name="lr" label="Learning rate" note="Of Adam" />
        <Setting label="Schedule" note="Of the learning rate: constant, cosine:WARMUP:FINAL, linear:WARMUP:FINAL">
          {(named) => <input {...named} type="text" value={now.schedule} onChange={(event) => change({ schedule: event.currentTarget.value })} />}
        </Setting>
        <Setting label="Loss" note="Terms with commas between: mse, l1=0.01, auxk=0.03, reanimation=0.1 …">
          {(named) => <input {...named} type="text" value={now.loss} onChange={(event) => change({ loss: event.currentTarget.value })} />}
        </Setting>
        <Setting label="Normalise" note="What is done to each dimension before">
          {(named) => <Select named={named} value={now.normalize} options={NORMALISE} onChange={(value) => change({ normalize: value })} />}
        </Setting>
        <Setting label="Device" note="Automatic takes the GPU where there is a real one">
          {(named) => <Select named={named} value={now.backend} options={DEVICES} onChange={(value) => change({ backend: value })} />}
        </Setting>
      </details>
      <button type="button" class="link" onClick={resetSettings}>
        Back to the defaults
      </button>
    </fieldset>
  );
}

interface NumberProps {
  name: Numeric;
  label: string;
  note: string;
  min?: number;
}

/** What is no number stays as it was; the package says what is out of range. */
function Count({ name, label, note, min = 1 }: NumberProps) {
  return (
    <Setting label={label} note={note}>
      {(named) => (
        <input
          {...named}
          type="number"
          min={min}
          step={1}
          value={settings.value[name]}
          onChange={({ currentTarget }) => {
            const value = currentTarget.valueAsNumber;
            if (Number.isInteger(value) && value >= min) change({ [name]: value });
            else currentTarget.value = String(settings.value[name]);
          }}
        />
      )}
    </Setting>
  );
}

function Amount({ name, label, note }: NumberProps) {
  return (
    <Setting label={label} note={note}>
      {(named) => (
        <input
          {...named}
          type="number"
          min={0}
          step="any"
          value={settings.value[name]}
          onChange={({ currentTarget }) => {
            const value = currentTarget.valueAsNumber;
            if (Number.isFinite(value) && value >= 0) change({ [name]: value });
            else currentTarget.value = String(settings.value[name]);
          }}
        />
      )}
    </Setting>
  );
}

interface SelectProps<T extends string> {
  named: Named;
  value: T;
  options: Record<T, string>;
  onChange: (value: T) => void;
}

function Select<T extends string>({ named, value, options, onChange }: SelectProps<T>) {
  return (
    <select {...named} value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
      {(Object.keys(options) as T[]).map((key) => (
        <option key={key} value={key}>
          {options[key]}
        </option>
      ))}
    </select>
  );
}
