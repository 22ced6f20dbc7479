/** Says when a process has had its day: another one takes its sessions over, and loses nothing. */

const LOOK_MS = 1000;

/**
 * @param {{ maxRssMb: number, minAgeSeconds: number }} limits a process that is too big at once would only begin again
 * @param {() => void} onFull called once
 * @param {{ rssMb: () => number, ageSeconds: () => number, lookMs: number }} [measures]
 */
export function watchMemory({ maxRssMb, minAgeSeconds }, onFull, measures = MEASURES) {
	const timer = setInterval(() => {
		if (measures.rssMb() > maxRssMb && measures.ageSeconds() >= minAgeSeconds) {
			clearInterval(timer);
			onFull();
		}
	}, measures.lookMs);
	timer.unref();
	return () => clearInterval(timer);
}

const MEASURES = {
	rssMb: () => process.memoryUsage.rss() / 1e6,
	ageSeconds: () => process.uptime(),
	lookMs: LOOK_MS
};
