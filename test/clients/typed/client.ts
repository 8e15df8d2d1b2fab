// A small application against the generated types. It is compiled as strictly
// as TypeScript can, so that a wrong type in the OpenAPI document fails here;
// then it runs.

import createClient from 'openapi-fetch';

import type { components, paths } from './schema.js';

type Location = components['schemas']['Location'];

/** What the test looks at afterwards. */
export interface Report {
  created: Location;
  fetched: Location;
  changed: Location;
  open: number | null | undefined;
  found: string[];
  total: number | undefined;
  refused: string[];
  missing: string;
}

/** Creates, reads, changes, lists, and gets refused, with the token's rights. */
export async function exercise(baseUrl: string, token: string): Promise<Report> {
  const Authorization = `Bearer ${token}`;
  const client = createClient<paths, 'application/json'>({ baseUrl, headers: { Authorization, Accept: 'application/json' } });
  const linked = createClient<paths, 'application/ld+json'>({ baseUrl, headers: { Authorization, Accept: 'application/ld+json' } });

  const created = await client.POST('/locations', { body: { name: 'Typed office', officeOpenHour: 9, officeCloseHour: 17 } });
  if (!created.data) throw new Error(reason(created.error));
  const { id } = created.data;
  if (id === undefined) throw new Error('no id');

  const fetched = await client.GET('/locations/{id}', { params: { path: { id } } });
  if (!fetched.data) throw new Error(reason(fetched.error));

  const changed = await client.PATCH('/locations/{id}', {
    params: { path: { id } },
    headers: { 'Content-Type': 'application/merge-patch+json' },
    body: { officeOpenHour: null, officeCloseHour: null, address: 'Rua Nova 1' },
  });
  if (!changed.data) throw new Error(reason(changed.error));

  const page = await linked.GET('/locations', { params: { query: { name: 'typed', page: 1, itemsPerPage: 5, 'order[name]': 'asc' } } });
  if (!page.data) throw new Error(reason(page.error));

  const refused = await client.POST('/locations', { body: { name: '' } });
  const missing = await client.GET('/locations/{id}', { params: { path: { id: '019e0000-0000-7000-8000-000000000000' } } });

  return {
    created: created.data,
    fetched: fetched.data,
    changed: changed.data,
    open: changed.data.officeOpenHour,
    found: page.data['hydra:member'].map((location) => location.name),
    total: page.data.totalItems,
    refused: violations(refused.error),
    missing: reason(missing.error),
  };
}

/** The sentence of a problem, or of a 401, which is no problem document. */
function reason(error: object | undefined): string {
  if (error && 'detail' in error) return String(error.detail);
  if (error && 'message' in error) return String(error.message);
  return 'no error';
}

function violations(error: object | undefined): string[] {
  if (!error || !('violations' in error)) return [];
  const { violations: list = [] } = error as components['schemas']['ConstraintViolation'];
  return list.map(({ propertyPath, message }) => `${propertyPath}: ${message}`);
}
