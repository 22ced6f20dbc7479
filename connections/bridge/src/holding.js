/**
 * The device is linked when the server has its signature. Baileys sends that in the same breath in
 * which it tells of the new keys; who ends before those are stored leaves a device behind on the phone
 * that nobody has keys for.
 */

/**
 * Nothing goes out of the socket until the keys are stored, and never if they are not; then in order.
 *
 * @param {import('baileys').WASocket} socket
 * @param {Promise<unknown>} stored
 */
export function holdBack(socket, stored) {
	const line = /** @type {any} */ (socket.ws).socket;
	if (!line) {
		return;
	}
	const send = line.send.bind(line);
	/** @type {Promise<boolean>} */
	let turn = stored.then(
		() => true,
		() => false
	);
	line.send = (/** @type {any[]} */ ...words) => {
		turn = turn.then((isStored) => {
			if (isStored) {
				send(...words);
			}
			return isStored;
		});
	};
}
