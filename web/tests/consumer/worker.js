import { Device } from 'archetypal';

const device = await Device.open({ backend: 'cpu' });
postMessage(device.name);
