/** Puts the parts of one process together, and takes them apart in the right order. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { connect } from './database.js';
import { Events } from './events.js';
import { bindCertificates, repairSignatures, trustRoot } from './hardening.js';
import { makeServer } from './http.js';
import { Leases } from './leases.js';
import { kindOf, log } from './log.js';
import { Sessions } from './sessions.js';
import { Spool, TOUCH_MS } from './spool.js';

const SLOW_LOOP_MS = 5000;
const GRACE_MS = 5000;
const SWEEP_MS = 3_600_000;

export class Bridge {
	/** @param {import('./settings.js').Settings} settings */
	constructor(settings) {
		this.settings = settings;
		this.lag = monitorEventLoopDelay({ resolution: 20 });
		this.isEnding = false;
	}

	/** Throws when the folder, the database or the port cannot be had. */
	async start() {
		const { settings } = this;
		repairSignatures();
		bindCertificates();
		if (settings.server) {
			trustRoot(settings.server.rootKey);
		}
		const spool = new Spool(settings.folder, settings.owner, settings.keyring);
		this.spool = spool;
		const { eventsUrl: url, secret, owner, keyring } = settings;
		const events = new Events({ url, secret, owner, spool });
		this.events = events;
		const pool = await connect(settings.databaseUrl);
		this.pool = pool;
		this.http = makeServer({
			session: (id) => this.sessions?.get(id),
			health: () => this.health(),
			secret
		});
		const port = await listening(this.http, settings.port, settings.host);
		this.url = settings.url ?? `http://127.0.0.1:${port}`;
		this.sessions = new Sessions(new Leases(pool, owner, this.url), { pool, keyring, events, settings }, settings);
		this.lag.enable();
		events.replay();
		events.start();
		// A process of this host that died is noticed by those that live.
		this.watch = setInterval(() => this.#watch(), TOUCH_MS);
		this.sweep = setInterval(() => void this.#sweep(), SWEEP_MS);
		void this.#sweep();
		this.sessions.start();
		log('bridge.process.started', { owner, port, own_server: settings.server !== null });
	}

	health() {
		const lagMs = Math.round(this.lag.max / 1e6);
		const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
		const isOk = !this.isEnding && this.sessions?.isRenewed() === true && !this.spool?.isBroken && lagMs < SLOW_LOOP_MS;
		return {
			ok: isOk,
			sessions: this.sessions?.byState() ?? {},
			rss_mb: rssMb,
			loop_lag_ms: lagMs,
			spooled: this.spool?.size ?? 0
		};
	}

	/** Closes the sockets, gets the events stored, and only then lets others have the sessions. */
	async stop() {
		this.isEnding = true;
		clearInterval(this.watch);
		clearInterval(this.sweep);
		this.http?.close();
		await this.sessions?.close();
		await this.events?.stop(GRACE_MS);
		try {
			await this.sessions?.release();
		} catch (error) {
			// The leases run out by themselves.
			log('bridge.release.failed', kindOf(error));
		}
		this.http?.closeAllConnections();
		this.spool?.close();
		await this.pool?.end();
		this.lag.disable();
		log('bridge.process.ended', { left: this.spool?.size ?? 0 });
	}

	/** What was sent is kept for 14 days: no phone asks for older texts. */
	async #sweep() {
		try {
			await this.pool?.query("delete from connections_linkedsent where created_at < now() - interval '14 days'");
		} catch (error) {
			log('bridge.sweep.failed', kindOf(error));
		}
	}

	#watch() {
		this.lag.reset();
		try {
			this.spool?.touch();
			this.events?.replay();
		} catch (error) {
			log('bridge.spool.broken', kindOf(error));
		}
	}
}

/** @param {import('node:http').Server} server @param {number} port @param {string} host @returns {Promise<number>} */
function listening(server, port, host) {
	return new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, host, () => resolve(/** @type {import('node:net').AddressInfo} */ (server.address()).port));
	});
}
