/** The pool of connections to PostgreSQL, in the bridge's own role when there is one. */
import pg from 'pg';
import { kindOf, log } from './log.js';

/** Somebody else holds the session by now: nothing was written. */
export class Fenced extends Error {
	name = 'Fenced';
}

const ROLES = ['backroom_bridge', 'backroom_system'];

/**
 * @param {string} url
 * @returns {Promise<pg.Pool>}
 */
export async function connect(url) {
	const role = await roleOf(url);
	const pool = new pg.Pool({
		connectionString: url,
		max: 8,
		connectionTimeoutMillis: 5000,
		// A statement that hangs must not outlive the lease.
		query_timeout: 8000,
		idleTimeoutMillis: 60_000,
		application_name: 'backroom-bridge'
	});
	pool.on('error', (error) => log('bridge.database.lost', kindOf(error)));
	if (role) {
		pool.on('connect', (client) => {
			// Queries of one client keep their order, so this comes before any other.
			client.query(`set role ${pg.escapeIdentifier(role)}`).catch((error) => {
				log('bridge.role.refused', kindOf(error));
				// Never on as somebody who may do more.
				client.end().catch(() => undefined);
			});
		});
	}
	return pool;
}

/** The first role that exists and may be taken. @param {string} url @returns {Promise<string | undefined>} */
async function roleOf(url) {
	const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
	await client.connect();
	try {
		const { rows } = await client.query(
			"select rolname from pg_roles where rolname = any($1::name[]) and pg_has_role(current_user, oid, 'member')",
			[ROLES]
		);
		return ROLES.find((role) => rows.some(({ rolname }) => rolname === role));
	} finally {
		await client.end();
	}
}
