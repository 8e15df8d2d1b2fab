// Runs a group of tests once for each way in which sede is run.

import { after, before, describe } from 'node:test';

import { settings, startSede } from './sede.js';

/** body registers tests; it gets a function that returns the running Sede. */
export function withSede(title, body) {
  for (const setting of settings) {
    describe(`${title} [${setting.name}]`, () => {
      let sede;
      before(async () => { sede = await startSede(setting); });
      after(async () => { await sede?.stop(); });
      body(() => sede, setting);
    });
  }
}
