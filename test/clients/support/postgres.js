// Makes a database of its own on the server that SEDE_TEST_POSTGRES names, as
// Go's tests do: sede connects as a role that row-level security holds to its
// organization. The URL's user must be allowed to create roles and databases.

import { randomBytes } from 'node:crypto';

import pg from 'pg';

const role = 'sede_test';
const password = 'sede_test';

/** Creates an empty database and returns its URL and how to drop it. */
export async function throwAwayDatabase(server) {
  const name = `sede_clients_${randomBytes(6).toString('hex')}`;
  await run(
    server,
    `DO $$ BEGIN
      CREATE ROLE ${role} LOGIN PASSWORD '${password}' NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`,
    `GRANT ${role} TO CURRENT_USER`,
    `CREATE DATABASE ${name} OWNER ${role} TEMPLATE template1`,
  );
  const url = new URL(server);
  url.username = role;
  url.password = password;
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => run(server, `DROP DATABASE ${name} WITH (FORCE)`) };
}

async function run(server, ...statements) {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    for (const sql of statements) {
      await client.query(sql);
    }
  } finally {
    await client.end();
  }
}
