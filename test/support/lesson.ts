import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { CalibrationMix } from '../../src/calibrate/mix/mix-file.ts';
import { nodeModelDirectory } from '../../src/io/platform/node/node-model-directory.ts';
import { Lesson } from '../../src/learn/lesson.ts';

export const BUNDLED = 'public/models/tinystories-7m';

export const openLesson = (): Promise<Lesson> => Lesson.open(nodeModelDirectory(BUNDLED));

export const readMixFile = (): CalibrationMix =>
  JSON.parse(gunzipSync(readFileSync('data/calibration.bin')).toString()) as CalibrationMix;
