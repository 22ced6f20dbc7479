/** Who holds a session: claim, renew, hand back (PROTOCOL.md, 1). The database's clock decides. */

export const LEASE_SECONDS = 15;

/**
 * @typedef {object} Row of connections_linkedsession
 * @property {string} id
 * @property {string} epoch a bigint
 * @property {'on' | 'off' | 'logout'} wanted
 * @property {number} link_serial
 * @property {number} linked_serial
 * @property {'qr' | 'code'} link_method
 * @property {string | null} link_phone E.164
 * @property {string} state
 * @property {string | null} state_reason
 * @property {Date | null} state_until
 * @property {string | null} phone
 * @property {string | null} lid
 * @property {Buffer | null} creds
 * @property {Buffer | null} data_key
 * @property {string | null} key_id
 *
 * @typedef {Pick<Row, 'id' | 'epoch' | 'wanted' | 'link_serial' | 'link_method' | 'link_phone'>} Wish
 */

/**
 * There is something to do: a linking attempt is asked for or was cut short, keys wait for their
 * socket, or they are to be closed or erased. A session at rest is nobody's, so that it takes no
 * place from a living one.
 */
const WORK = `(
	(wanted = 'on' and link_serial > linked_serial)
	or (wanted = 'on' and creds is null and state in ('connecting', 'pairing', 'backoff', 'outdated') and linked_serial > 0)
	or (wanted = 'on' and creds is not null and (
		state not in ('expired', 'replaced', 'logged_out', 'passkey_required', 'banned', 'needs_human')
		or (state in ('banned', 'replaced') and state_until < now())))
	or (wanted = 'off' and state <> 'off' and (creds is not null or state in ('connecting', 'pairing', 'backoff')))
	or (wanted = 'logout' and (creds is not null or data_key is not null))
)`;

export class Leases {
	/** @param {import('pg').Pool} pool @param {string} owner @param {string} url how Backroom reaches this process */
	constructor(pool, owner, url) {
		this.pool = pool;
		this.owner = owner;
		this.url = url;
	}

	/** Takes free sessions, at most so many. @param {number} most @returns {Promise<Row[]>} */
	async claim(most) {
		const { rows } = await this.pool.query(
			`update connections_linkedsession set owner = $1, owner_url = $2, epoch = epoch + 1,
				lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
			where id in (
				select id from connections_linkedsession
				where (lease_until is null or lease_until <= now()) and ${WORK}
				order by lease_until nulls first limit $3 for update skip locked)
			returning *`,
			[this.owner, this.url, most]
		);
		return rows;
	}

	/**
	 * Renews all at once. Who is missing in the answer was taken by somebody else.
	 *
	 * @param {Map<string, string>} held epoch by session
	 * @returns {Promise<string[]>} ids
	 */
	async renew(held) {
		const { rows } = await this.pool.query(
			`update connections_linkedsession s set lease_until = now() + make_interval(secs => ${LEASE_SECONDS})
			from unnest($1::uuid[], $2::bigint[]) as held(id, epoch)
			where s.id = held.id and s.epoch = held.epoch
			returning s.id`,
			[[...held.keys()], [...held.values()]]
		);
		return rows.map(({ id }) => id);
	}

	/** What is wanted of the held sessions now. @param {Map<string, string>} held @returns {Promise<Wish[]>} */
	async wishes(held) {
		const { rows } = await this.pool.query(
			`select id, epoch, wanted, link_serial, link_method, link_phone from connections_linkedsession
			where (id, epoch) in (select * from unnest($1::uuid[], $2::bigint[]))`,
			[[...held.keys()], [...held.values()]]
		);
		return rows;
	}

	/** Hands sessions back; the next claimer need not wait. @param {Map<string, string>} held */
	async release(held) {
		await this.pool.query(
			`update connections_linkedsession s set lease_until = now()
			from unnest($1::uuid[], $2::bigint[]) as held(id, epoch)
			where s.id = held.id and s.epoch = held.epoch`,
			[[...held.keys()], [...held.values()]]
		);
	}
}
