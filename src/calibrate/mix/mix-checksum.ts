/** SHA-256 of data/calibration.bin; written by scripts/build-calibration.mjs. */
export const MIX_SHA256 = 'f82ce68507a5871351fecb0f53d9183d2ec614bc9d27974468537af59cbc0ead';
