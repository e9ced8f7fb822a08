import { type Backend, Device } from 'archetypal';
import type { Happening } from './protocol.ts';

let current: { device: Device; backend: Backend; lost: boolean } | null = null;

/** Whether the last device that was opened has gone. */
export function wasLost(): boolean {
  return current?.lost ?? false;
}

/** The device of that kind, opened once; a lost one is replaced. Says which it is, and later if it is lost. */
export async function deviceFor(backend: Backend, tell: (happening: Happening) => void): Promise<Device> {
  if (current && !current.lost && current.backend === backend) {
    announce(current.device, tell);
    return current.device;
  }
  const device = await Device.open({ backend });
  // A model that is on the last one keeps it for as long as it needs it.
  current?.device.free();
  const entry = { device, backend, lost: false };
  current = entry;
  void device.lost.then((message) => {
    entry.lost = true;
    if (current === entry) tell({ event: 'lost', message });
  });
  announce(device, tell);
  return device;
}

function announce({ name, isGpu, isFallback }: Device, tell: (happening: Happening) => void): void {
  tell({ event: 'device', name, isGpu, isFallback, webgpu: 'gpu' in navigator });
}
