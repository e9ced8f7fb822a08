import { describe, expect, test } from 'vitest';
import { fromHalf } from '../../src/atlas/half.ts';
import { parseSafetensors, pick } from '../../src/atlas/safetensors.ts';
import { writeSafetensors } from '../../src/atlas/write.ts';

const buffer = (bytes: Uint8Array) => bytes.slice().buffer as ArrayBuffer;

/** A file with any header and body. */
function file(header: object, body: Uint8Array): ArrayBuffer {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + body.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(body, 8 + text.length);
  return out.buffer;
}

describe('safetensors', () => {
  test('reads what it wrote', () => {
    const bytes = writeSafetensors(
      {
        heat: { shape: [3], values: new Uint8Array([0, 128, 255]) },
        xy: { shape: [2, 2], values: new Float32Array([1, -2.5, NaN, 4]) },
        rows: { shape: [2], values: new Uint32Array([7, 4294967295]) },
      },
      { grid: '7x7' },
    );
    const table = parseSafetensors('a', buffer(bytes));
    expect(table.metadata).toEqual({ grid: '7x7' });
    expect([...pick('a', table, 'heat', 'u8')]).toEqual([0, 128, 255]);
    expect([...pick('a', table, 'xy', 'f32')]).toEqual([1, -2.5, NaN, 4]);
    expect([...pick('a', table, 'rows', 'u32')]).toEqual([7, 4294967295]);
    expect(table.tensors.get('xy')?.shape).toEqual([2, 2]);
  });

  test('reads tensors that do not start on their own alignment', () => {
    const body = new Uint8Array(5);
    new DataView(body.buffer).setFloat32(1, 1.5, true);
    const header = { a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] }, b: { dtype: 'F32', shape: [1], data_offsets: [1, 5] } };
    expect(pick('x', parseSafetensors('x', file(header, body)), 'b', 'f32')[0]).toBe(1.5);
  });

  test('widens f16 exactly', () => {
    const bits = new Uint16Array([0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x0400, 0x7c00, 0xfc00, 0x3555]);
    const values = [...fromHalf(bits)];
    expect(values).toEqual([0, -0, 1, -2, 65504, 2 ** -24, 2 ** -14, Infinity, -Infinity, Math.fround(0.333251953125)]);
    expect(fromHalf(new Uint16Array([0x7e00]))[0]).toBeNaN();
  });

  test('says what is wrong with a file', () => {
    expect(() => parseSafetensors('x', new ArrayBuffer(3))).toThrow('only 3 bytes');
    expect(() => parseSafetensors('x', new Uint8Array([255, 255, 255, 0, 0, 0, 0, 0]).buffer)).toThrow('cut off');
    const cut = file({ a: { dtype: 'F32', shape: [4], data_offsets: [0, 16] } }, new Uint8Array(8));
    expect(() => parseSafetensors('x', cut)).toThrow('does not fit its shape [4]');
    const odd = file({ a: { dtype: 'I64', shape: [1], data_offsets: [0, 8] } }, new Uint8Array(8));
    expect(() => parseSafetensors('x', odd)).toThrow('dtype I64');
    const table = parseSafetensors('x', buffer(writeSafetensors({ a: { shape: [1], values: new Uint8Array(1) } })));
    expect(() => pick('x', table, 'b', 'f32')).toThrow('x has no tensor b');
    expect(() => pick('x', table, 'a', 'f32')).toThrow('is not f32');
  });
});
