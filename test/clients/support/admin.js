// Loads @api-platform/admin outside a browser. Its modules look for a window and
// a document while they load, so both must be there before.

import { JSDOM } from 'jsdom';

const dom = new JSDOM('<!doctype html>', { url: 'http://localhost/' });
globalThis.window = dom.window;
globalThis.document = dom.window.document;
globalThis.navigator ??= dom.window.navigator;
const admin = await import('@api-platform/admin');
const { parseHydraDocumentation } = await import('@api-platform/api-doc-parser');

/** What the admin's forms and lists ask about resources. */
export const analyzer = admin.hydraSchemaAnalyzer();

/**
 * The data provider as an application with sign-in sets it up: every request,
 * also those for documents, carries the token.
 */
export async function dataProvider(sede, username, more = {}) {
  const headers = { ...await sede.headers(username), ...more };
  const provider = admin.hydraDataProvider({
    entrypoint: sede.entrypoint,
    httpClient: (url, options = {}) => admin.fetchHydra(url, { ...options, headers: new Headers({ ...options.headers, ...headers }) }),
    apiDocumentationParser: (entrypoint) => parseHydraDocumentation(entrypoint, { headers: new Headers(headers) }),
    mercure: false,
    disableCache: true,
  });
  const { data: api } = await provider.introspect();
  return { provider, api };
}
