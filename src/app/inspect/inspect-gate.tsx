import { gate } from '../components/gate.tsx';

export const InspectGate = gate('figures', async () => (await import('./inspect-screen.tsx')).InspectScreen);
