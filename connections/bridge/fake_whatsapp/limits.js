/** What WhatsApp tells an account about what it may not do for a while. */
import { node, SERVER, stanzaId, unixNow } from './nodes.js';

/**
 * @typedef {import('./people.js').Account} Account
 * @typedef {import('./nodes.js').Node} Node
 */

/** The answers to questions about limits, by the name of the question. @param {Account} account */
export function limitsOf(account) {
	return {
		xwa2_fetch_account_reachout_timelock: timelock(account),
		xwa2_message_capping_info: { total_quota: -1, used_quota: 0 }
	};
}

/** The account may not begin chats, or may again. @param {Account} account @returns {Node} */
export function timelockNotice(account) {
	return notice('NotificationUserReachoutTimelockUpdate', {
		xwa2_notify_account_reachout_timelock: timelock(account)
	});
}

/**
 * How many new chats the account may still begin in this period.
 *
 * @param {number} used
 * @param {number} total
 * @returns {Node}
 */
export function cappingNotice(used, total) {
	return notice('MessageCappingInfoNotification', {
		xwa2_notify_new_chat_messages_capping_info_update: {
			total_quota: total,
			used_quota: used,
			capping_status: used >= total ? 'CAPPED' : 'FIRST_WARNING'
		}
	});
}

/** @param {Account} account */
function timelock({ lockedUntil }) {
	return lockedUntil === null
		? { is_active: false }
		: { is_active: true, time_enforcement_ends: String(lockedUntil), enforcement_type: 'DEFAULT' };
}

/** @param {string} operation @param {unknown} data @returns {Node} */
function notice(operation, data) {
	return node('notification', { from: SERVER, type: 'mex', id: stanzaId(), t: unixNow() }, [
		node('update', { op_name: operation }, Buffer.from(JSON.stringify({ data })))
	]);
}
