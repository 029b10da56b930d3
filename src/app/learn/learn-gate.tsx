import { gate } from '../components/gate.tsx';

export const LearnGate = gate('lessons', async () => (await import('./learn-screen.tsx')).LearnScreen);
