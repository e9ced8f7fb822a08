/** Tensors to be written: kind and shape come with the values. */
export type ToWrite = Record<string, { shape: number[]; values: Float32Array | Uint32Array | Uint8Array }>;

function dtypeOf(values: ToWrite[string]['values']): string {
  if (values instanceof Float32Array) return 'F32';
  return values instanceof Uint32Array ? 'U32' : 'U8';
}

/** The bytes of a .safetensors file. */
export function writeSafetensors(tensors: ToWrite, metadata: Record<string, string> = {}): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = Object.keys(metadata).length ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, { shape, values }] of Object.entries(tensors)) {
    header[name] = { dtype: dtypeOf(values), shape, data_offsets: [end, end + values.byteLength] };
    end += values.byteLength;
  }
  let text = new TextEncoder().encode(JSON.stringify(header));
  const padding = (8 - (text.length % 8)) % 8;
  text = new TextEncoder().encode(JSON.stringify(header) + ' '.repeat(padding));
  const out = new Uint8Array(8 + text.length + end);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  let at = 8 + text.length;
  for (const { values } of Object.values(tensors)) {
    out.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return out;
}
