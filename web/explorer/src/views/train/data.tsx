import { choose, dataset, forgetOwn, gridText, info, own, busy, reload, takeFiles, tensor, trainable } from '../../state/training.ts';
import { size, whole } from '../../ui/text.ts';
import { Setting } from './setting.tsx';

/** On what to train. */
export function DataChoice() {
  const chosen = dataset.value;
  return (
    <fieldset class="data-choice" disabled={busy.value}>
      <legend>Data</legend>
      {trainable.value.map(({ id, title }) => (
        <label key={id} class="option">
          <input type="radio" name="data" checked={chosen === id} onChange={() => choose(id)} />
          <span>
            <b>{title}</b>
            {SHIPPED[id] && <span class="note">{SHIPPED[id]}</span>}
          </span>
        </label>
      ))}
      <label class="option">
        <input type="radio" name="data" checked={chosen === 'own'} onChange={() => choose('own')} />
        <span>
          <b>Your own</b>
          <span class="note">Activations as .npy or .safetensors; examples as .jsonl and pictures, if you have them</span>
        </span>
      </label>
      {chosen === 'own' && <OwnFiles />}
      {info.value && (
        <p class="note" role="status">
          {whole(info.value.rows)} rows of {whole(info.value.width)} dimensions
          {info.value.grid && `, in grids of ${info.value.grid[0]} × ${info.value.grid[1]} cells`}
        </p>
      )}
    </fieldset>
  );
}

const SHIPPED: Record<string, string> = {
  pictures: '128 drawings as EfficientNet sees them, 7 × 7 cells each',
  words: '4 096 dictionary entries as MiniLM reads them',
};

function OwnFiles() {
  const { data, examples, pictures, model, tensors } = own.value;
  return (
    <div class="own">
      <label class="pick">
        <span>
          Choose files, or drop them anywhere on the page
          <br />
          <span class="note">.npy · .safetensors · .jsonl · pictures</span>
        </span>
        <input
          type="file"
          multiple
          accept=".npy,.safetensors,.jsonl,image/*"
          onChange={(event) => {
            const files = [...(event.currentTarget.files ?? [])];
            event.currentTarget.value = '';
            if (files.length) void takeFiles(files);
          }}
        />
      </label>
      <ul class="own-list">
        {data && <li>Activations: {data.name}, {size(data.size)}</li>}
        {model && <li>Model: {model.name}, {size(model.size)}</li>}
        {examples && <li>Examples: {examples.file.name}, {whole(examples.items.length)} lines</li>}
        {pictures.size > 0 && <li>Pictures: {whole(pictures.size)}</li>}
      </ul>
      {tensors.length > 1 && (
        <Setting label="Tensor" note="Which of the file's matrices holds the activations">
          {(named) => (
            <select
              {...named}
              value={tensor.value}
              onChange={(event) => {
                tensor.value = event.currentTarget.value;
                void reload();
              }}
            >
              {tensors.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          )}
        </Setting>
      )}
      {data && (
        <Setting label="Grid" note="Height × width, if rows are the cells of pictures, picture after picture">
          {(named) => (
            <input
              {...named}
              type="text"
              placeholder="none, or 7x7"
              value={gridText.value}
              onChange={(event) => {
                gridText.value = event.currentTarget.value;
                void reload();
              }}
            />
          )}
        </Setting>
      )}
      {(data || examples || pictures.size > 0 || model) && (
        <button type="button" class="link" onClick={forgetOwn}>
          Remove these files
        </button>
      )}
    </div>
  );
}
