/** The pool of connections to PostgreSQL, in the bridge's own role when there is one. */
import pg from 'pg';
import { kindOf, log } from './log.js';

/** Somebody else holds the session by now: nothing was written. */
export class Fenced extends Error {
	name = 'Fenced';
}

const ROLES = ['backroom_bridge', 'backroom_system'];
/**
 * Where the database's user may make no roles, Backroom's row walls stand on the user itself and tell
 * the house's own jobs by this setting (workspaces/walls.py); it changes nothing where there are roles.
 */
const SCOPE = "set_config('backroom.scope', 'system', false)";
/** Shorter than the pool's own patience: what it gives up must not be written after its own repetition. */
const PATIENCE = "set_config('statement_timeout', '7000', false)";
/** Whether the session's user may take a role on; the question changed with PostgreSQL 16. */
const MAY_TAKE =
	"pg_has_role(session_user, oid, case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end)";

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
	const [who, values] = role ? [`set_config('role', $1, false), `, [role]] : ['', []];
	pool.on('connect', (client) => {
		// Queries of one client keep their order, so this comes before any other.
		client.query(`select ${who}${SCOPE}, ${PATIENCE}`, values).catch((error) => {
			log('bridge.role.refused', kindOf(error));
			// Never on as somebody who may do more, or sees nothing.
			client.end().catch(() => undefined);
		});
	});
	return pool;
}

/** The first role that exists and may be taken. @param {string} url @returns {Promise<string | undefined>} */
async function roleOf(url) {
	const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
	await client.connect();
	try {
		const { rows } = await client.query(
			`select rolname from pg_roles where rolname = any($1::name[]) and ${MAY_TAKE}`,
			[ROLES]
		);
		return ROLES.find((role) => rows.some(({ rolname }) => rolname === role));
	} finally {
		await client.end();
	}
}
