// The tests drive the Chromium that the system's package manager installs.
module.exports = { skipDownload: true };
