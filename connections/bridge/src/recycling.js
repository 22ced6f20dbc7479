/**
 * Says when a process has had its day: another one takes its sessions over, and loses nothing.
 *
 * By its age, because its memory is not flat over thousands of reconnects; and before that when it is too big.
 */

const LOOK_MS = 1000;
const SPREAD = 0.1;

/**
 * @param {{ maxRssMb: number, minAgeSeconds: number, maxAgeHours: number }} limits a process that is too big at once
 *   would only begin again; 0 hours: however old
 * @param {(why: 'memory' | 'age') => void} onFull called once
 * @param {{ rssMb: () => number, ageSeconds: () => number, lookMs: number, chance: number }} [measures]
 */
export function watchMemory({ maxRssMb, minAgeSeconds, maxAgeHours }, onFull, measures = MEASURES) {
	// Not all processes that a deployment started within the same minute.
	const oldSeconds = maxAgeHours * 3600 * (1 + SPREAD * measures.chance);
	const timer = setInterval(() => {
		const age = measures.ageSeconds();
		const isBig = measures.rssMb() > maxRssMb && age >= minAgeSeconds;
		if (isBig || (maxAgeHours > 0 && age >= oldSeconds)) {
			clearInterval(timer);
			onFull(isBig ? 'memory' : 'age');
		}
	}, measures.lookMs);
	timer.unref();
	return () => clearInterval(timer);
}

const MEASURES = {
	rssMb: () => process.memoryUsage.rss() / 1e6,
	ageSeconds: () => process.uptime(),
	lookMs: LOOK_MS,
	chance: Math.random()
};
