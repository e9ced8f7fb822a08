/** The format of checkpoints and golden cases, for the tests. */

const READERS = { F32: Float32Array, F64: Float64Array, I64: BigInt64Array, U32: Uint32Array, U8: Uint8Array };

/** { metadata, tensors: name → { shape, values } }. */
export function read(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const { __metadata__: metadata = {}, ...entries } = header;
  const tensors = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(entries)) {
    const [start, end] = data_offsets.map((offset) => 8 + length + offset);
    // A copy, for the views want their alignment.
    tensors[name] = { shape, values: new READERS[dtype](bytes.slice(start, end).buffer) };
  }
  return { metadata, tensors };
}

/** The bytes of a file with f32 tensors. */
export function write(tensors) {
  const header = {};
  let end = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    const start = end;
    end += values.length * 4;
    header[name] = { dtype: 'F32', shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  for (const [name, { values }] of Object.entries(tensors)) {
    const data = new Uint8Array(Float32Array.from(values).buffer);
    bytes.set(data, 8 + text.length + header[name].data_offsets[0]);
  }
  return bytes;
}
