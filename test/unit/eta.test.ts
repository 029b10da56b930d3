import { expect, test } from 'vitest';
import { EtaEstimator } from '../../src/util/text/eta.ts';

test('nothing is estimated before a step took time', () => {
  const eta = new EtaEstimator();
  expect(eta.estimate(10, 0)).toBeUndefined();
  eta.observe(0, 5);
  expect(eta.estimate(10, 6)).toBeUndefined();
  eta.observe(3, 5);
  expect(eta.estimate(10, 6)).toBeUndefined();
});

test('a steady rate', () => {
  const eta = new EtaEstimator();
  for (let step = 0; step <= 4; step++) eta.observe(step, 2 * step);
  expect(eta.estimate(10, 8)).toEqual({ rate: 0.5, secondsLeft: 12 });
});

test('work that an earlier run had done does not count', () => {
  const eta = new EtaEstimator();
  eta.observe(90, 0);
  eta.observe(91, 10);
  expect(eta.estimate(100, 10)).toEqual({ rate: 0.1, secondsLeft: 90 });
});

test('a slow start leaves the window', () => {
  const eta = new EtaEstimator(60);
  eta.observe(0, 0);
  eta.observe(1, 100);
  for (let step = 1; step <= 120; step++) eta.observe(1 + step, 100 + step);
  expect(eta.estimate(200, 220)?.rate).toBeCloseTo(1, 10);
});

test('steps longer than the window: the last one decides', () => {
  const eta = new EtaEstimator(60);
  eta.observe(0, 0);
  eta.observe(1, 100);
  eta.observe(2, 300);
  expect(eta.estimate(4, 300)).toEqual({ rate: 1 / 200, secondsLeft: 400 });
});

test('time left falls during a step, by one step at most', () => {
  const eta = new EtaEstimator();
  eta.observe(0, 0);
  eta.observe(1, 10);
  expect(eta.estimate(3, 15)?.secondsLeft).toBeCloseTo(15, 10);
  expect(eta.estimate(3, 20)?.secondsLeft).toBeCloseTo(10, 10);
  expect(eta.estimate(3, 500)?.secondsLeft).toBeCloseTo(10, 10);
  expect(eta.estimate(1, 500)?.secondsLeft).toBe(0);
});

test('repeated counts change nothing, smaller ones start anew', () => {
  const eta = new EtaEstimator();
  eta.observe(0, 0);
  eta.observe(2, 10);
  eta.observe(2, 50);
  expect(eta.estimate(4, 10)).toEqual({ rate: 0.2, secondsLeft: 10 });
  eta.observe(0, 60);
  expect(eta.estimate(4, 61)).toBeUndefined();
});
