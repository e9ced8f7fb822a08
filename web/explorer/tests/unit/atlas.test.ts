import { describe, expect, test } from 'vitest';
import { Atlas } from '../../src/atlas/atlas.ts';
import type { AtlasFiles } from '../../src/atlas/files.ts';
import { MemoryFiles } from '../../src/atlas/files.ts';
import { writeSafetensors } from '../../src/atlas/write.ts';
import { bigFile } from '../browser/big.ts';

/** Hands out the big atlas and counts what is asked for. */
class Counting implements AtlasFiles {
  readonly shareable = true;
  readonly asked: string[] = [];
  async get(name: string): Promise<ArrayBuffer> {
    this.asked.push(name);
    const found = bigFile(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return (typeof found === 'string' ? new TextEncoder().encode(found) : found).slice().buffer as ArrayBuffer;
  }
  image = (name: string) => name;
}

describe('an atlas', () => {
  test('opens with two files and gets the rest as it is asked for, once', async () => {
    const files = new Counting();
    const atlas = await Atlas.open(files);
    expect(files.asked.sort()).toEqual(['concepts.safetensors', 'manifest.json']);
    expect(atlas.concepts.count).toBe(10_000);
    await Promise.all([atlas.details(130), atlas.details(255), atlas.details(128)]);
    expect(files.asked.filter((name) => name.startsWith('details/'))).toEqual(['details/1.safetensors']);
  });

  test('has details of one concept', async () => {
    const details = await (await Atlas.open(new Counting())).details(9_999);
    expect(details.top.length).toBe(24);
    expect(details.top[0].heat).toBeUndefined();
    expect(details.quantiles.map((firings) => firings.length)).toEqual([6, 6, 6, 6, 6]);
    expect(details.points?.slice(0, 2).map(({ weight }) => weight)).toEqual([0.25, 0.25]);
    expect(details.near[0].value).toBe(1);
  });

  test('joins codes and rows across files', async () => {
    const atlas = await Atlas.open(new Counting());
    const across = await atlas.codes(4094, 5);
    expect([...across.indptr]).toEqual([0, 8, 16, 24, 32, 40]);
    const alone = await atlas.codes(4096, 1);
    expect([...across.indices.subarray(16, 24)]).toEqual([...alone.indices]);
    const rows = await atlas.rows(1023, 2);
    expect([...rows.subarray(64)]).toEqual([...(await atlas.rows(1024, 1))]);
  });

  test('knows its examples, and which are loaded', async () => {
    const atlas = await Atlas.open(new Counting());
    expect(atlas.peekExample(5000)).toBeUndefined();
    expect((await atlas.example(5000)).text).toBe('text number 5000');
    expect(atlas.peekExample(4999)?.text).toBe('text number 4999');
  });

  test('of another format, or with missing parts, says so', async () => {
    const bytes = (text: string) => new TextEncoder().encode(text);
    const none = writeSafetensors({});
    const open = (manifest: string) => Atlas.open(new MemoryFiles(new Map([['manifest.json', bytes(manifest)], ['concepts.safetensors', none]])));
    await expect(open('{"format": 2}')).rejects.toThrow('format 2');
    await expect(open('<html>')).rejects.toThrow('no atlas at this address');
    await expect(open('{"format": 1}')).rejects.toThrow('concepts.safetensors has no tensor energy');
    await expect(Atlas.open(new MemoryFiles(new Map()))).rejects.toThrow('has no file');
  });
});
