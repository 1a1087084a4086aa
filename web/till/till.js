'use strict';

const texts = {
  en: {
    name: 'English', skip: 'To the customer', language: 'Language', nobody: 'Ready for the next customer',
    nobody_help: 'Scan a loyalty card, or type a phone number in the till program.', points: 'points', tier: 'Tier', basket: 'Basket',
    will_earn: 'This basket earns', stale: 'Points may be out of date: the server has not been heard for a while.', offers: 'Offers for this customer',
    receipts: 'Last receipts', no_receipts: 'No sale yet since this page was opened.', sync: 'Store server', captured: 'Saved here', unsent: 'Not yet sent',
    known: 'Customers known', contact: 'Last contact', refused: 'Refused spool files', never: 'never', online: 'Online', offline: 'Offline: selling goes on',
    agent_gone: 'Till agent not reachable', training: 'training', return: 'return', missing: 'Only {0} more', ready: '{0} off', not_now: 'Not in the basket',
    pair_title: 'Pair this page', pair_help: 'Run “mudi-till pair” on this till and enter the six digits it prints.', pair_code: 'Pairing code',
    pair_button: 'Pair', pair_display: 'Open the cashier panel on this till first and pair it.', welcome: 'Welcome', show_card: 'Please show your card',
    thanks: 'Thank you!', earned: '+{0} points', balance: '{0} points in all',
  },
  bn: {
    name: 'বাংলা', skip: 'গ্রাহকের অংশে যান', language: 'ভাষা', nobody: 'পরের গ্রাহকের জন্য তৈরি', nobody_help: 'কার্ড স্ক্যান করুন, অথবা ফোন নম্বর লিখুন।',
    points: 'পয়েন্ট', tier: 'স্তর', basket: 'ঝুড়ি', will_earn: 'এই কেনাকাটায় মিলবে', stale: 'পয়েন্ট পুরোনো হতে পারে: সার্ভারের সঙ্গে কিছুক্ষণ যোগাযোগ নেই।',
    offers: 'এই গ্রাহকের অফার', receipts: 'শেষ রসিদ', no_receipts: 'এখনও কোনও বিক্রি হয়নি।', sync: 'দোকানের সার্ভার', captured: 'এখানে জমা', unsent: 'পাঠানো বাকি',
    known: 'চেনা গ্রাহক', contact: 'শেষ যোগাযোগ', refused: 'ফেরত ফাইল', never: 'কখনও না', online: 'সংযুক্ত', offline: 'সংযোগ নেই: বিক্রি চলবে', agent_gone: 'এজেন্ট সাড়া দিচ্ছে না',
    training: 'প্রশিক্ষণ', return: 'ফেরত', missing: 'আর মাত্র {0}', ready: '{0} ছাড়', not_now: 'ঝুড়িতে নেই', pair_title: 'পাতাটি জুড়ুন',
    pair_help: 'এই টিলে “mudi-till pair” চালান, যে ছয়টি অঙ্ক দেখাবে তা লিখুন।', pair_code: 'জোড়ার কোড', pair_button: 'জুড়ুন', pair_display: 'আগে এই টিলে ক্যাশিয়ারের পাতা খুলে জুড়ুন।',
    welcome: 'স্বাগতম', show_card: 'আপনার কার্ড দেখান', thanks: 'ধন্যবাদ!', earned: '+{0} পয়েন্ট', balance: 'মোট {0} পয়েন্ট',
  },
  mr: {
    name: 'मराठी', skip: 'ग्राहकाकडे जा', language: 'भाषा', nobody: 'पुढच्या ग्राहकासाठी तयार', nobody_help: 'कार्ड स्कॅन करा किंवा फोन नंबर टाका.', points: 'गुण', tier: 'श्रेणी',
    basket: 'टोपली', will_earn: 'या खरेदीवर मिळतील', stale: 'गुण जुने असू शकतात: सर्व्हरशी काही वेळ संपर्क नाही.', offers: 'या ग्राहकासाठी ऑफर', receipts: 'शेवटच्या पावत्या',
    no_receipts: 'अजून विक्री झालेली नाही.', sync: 'दुकानाचा सर्व्हर', captured: 'इथे जतन', unsent: 'पाठवायचे बाकी', known: 'ओळखीचे ग्राहक', contact: 'शेवटचा संपर्क',
    refused: 'नाकारलेल्या फाइल', never: 'कधीच नाही', online: 'जोडलेले', offline: 'जोडणी नाही: विक्री सुरू राहील', agent_gone: 'एजंट उत्तर देत नाही', training: 'सराव', return: 'परत',
    missing: 'फक्त {0} आणखी', ready: '{0} सूट', not_now: 'टोपलीत नाही', pair_title: 'हे पान जोडा', pair_help: 'या टिलवर “mudi-till pair” चालवा आणि दिसणारे सहा अंक टाका.',
    pair_code: 'जोडणी कोड', pair_button: 'जोडा', pair_display: 'आधी या टिलवर कॅशियरचे पान उघडून जोडा.', welcome: 'स्वागत आहे', show_card: 'कृपया आपले कार्ड दाखवा', thanks: 'धन्यवाद!',
    earned: '+{0} गुण', balance: 'एकूण {0} गुण',
  },
  hi: {
    name: 'हिन्दी', skip: 'ग्राहक पर जाएँ', language: 'भाषा', nobody: 'अगले ग्राहक के लिए तैयार', nobody_help: 'कार्ड स्कैन करें या फ़ोन नंबर लिखें।', points: 'अंक', tier: 'श्रेणी',
    basket: 'टोकरी', will_earn: 'इस ख़रीद पर मिलेंगे', stale: 'अंक पुराने हो सकते हैं: सर्वर से कुछ देर से संपर्क नहीं है।', offers: 'इस ग्राहक के ऑफ़र', receipts: 'पिछली रसीदें',
    no_receipts: 'अभी कोई बिक्री नहीं हुई।', sync: 'दुकान का सर्वर', captured: 'यहाँ सहेजे', unsent: 'भेजना बाकी', known: 'पहचाने ग्राहक', contact: 'पिछला संपर्क', refused: 'लौटाई फ़ाइलें',
    never: 'कभी नहीं', online: 'जुड़ा है', offline: 'संपर्क नहीं: बिक्री जारी रहेगी', agent_gone: 'एजेंट जवाब नहीं दे रहा', training: 'अभ्यास', return: 'वापसी', missing: 'बस {0} और', ready: '{0} की छूट',
    not_now: 'टोकरी में नहीं', pair_title: 'यह पन्ना जोड़ें', pair_help: 'इस टिल पर “mudi-till pair” चलाएँ और दिखे छह अंक लिखें।', pair_code: 'जोड़ने का कोड', pair_button: 'जोड़ें',
    pair_display: 'पहले इस टिल पर कैशियर का पन्ना खोलकर जोड़ें।', welcome: 'स्वागत है', show_card: 'कृपया अपना कार्ड दिखाएँ', thanks: 'धन्यवाद!', earned: '+{0} अंक', balance: 'कुल {0} अंक',
  },
};

const page = document.body.dataset.page;
const byId = (id) => document.getElementById(id);
const address = new URL(location.href);

/* The page works without storage too (private windows, kiosks): it then forgets when it is closed. */
const memory = {
  get(key) { try { return localStorage.getItem(key); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, value); } catch { /* nothing to keep it in */ } },
};

let token = address.searchParams.get('token') || memory.get('mudi.token') || '';
if (address.searchParams.has('token')) {
  memory.set('mudi.token', token);
  address.searchParams.delete('token');
  history.replaceState(null, '', address); // the secret does not stay in the address bar
}

function firstLanguage() {
  const wished = [address.searchParams.get('lang'), memory.get('mudi.lang'), ...(navigator.languages || [])];
  const known = wished.map((tag) => (tag || '').slice(0, 2)).find((tag) => texts[tag]);
  return known || 'en';
}

let language = firstLanguage();
const state = { status: null, txn: null, customer: null, basket: null, receipts: [], agent: true, thanks: null };

const text = (key, ...values) => values.reduce((out, value, i) => out.replace(`{${i}}`, value), texts[language][key]);
const number = (value) => new Intl.NumberFormat(`${language}-IN`).format(value);
function money(minor) {
  const currency = state.status?.currency || 'INR';
  const format = new Intl.NumberFormat(`${language}-IN`, { style: 'currency', currency });
  return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}
function put(id, value) { byId(id).textContent = value; }
function show(id, yes) { byId(id).hidden = !yes; }

function call(path, options = {}) {
  const headers = { 'Accept-Language': language, ...(options.body ? { 'Content-Type': 'application/json' } : {}) };
  if (token) headers.Authorization = `Bearer ${token}`;
  return fetch(path, { ...options, headers });
}

/* ---- drawing: everything on the page follows from `state` ---- */

function drawTexts() {
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll('[data-text]')) node.textContent = text(node.dataset.text);
  const nav = byId('languages');
  nav.setAttribute('aria-label', text('language'));
  nav.replaceChildren(...Object.keys(texts).map((code) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.lang = code;
    button.textContent = texts[code].name;
    button.setAttribute('aria-pressed', String(code === language));
    button.addEventListener('click', () => choose(code));
    return button;
  }));
}

function offerItem(offer) {
  const item = document.createElement('li');
  const part = (tag, kind, content) => {
    const node = document.createElement(tag);
    node.className = kind;
    node.textContent = content;
    item.append(node);
    return node;
  };
  const spoken = state.customer.language || language;
  part('strong', 'title', offer.title).lang = spoken;
  part('span', 'reason', offer.reason).lang = spoken;
  item.classList.toggle('ready', offer.applicable);
  const off = (offer.effects || []).reduce((sum, effect) => sum + effect.amount, 0);
  let word = '';
  if (offer.applicable) word = `✓ ${text('ready', money(off))}`;
  else if (offer.why_not === 'basket_min' && state.basket) word = text('missing', money(offer.missing));
  else if (offer.why_not === 'no_matching_line' && state.basket) word = text('not_now');
  part('span', 'state', word);
  return item;
}

function receiptItem(receipt) {
  const item = document.createElement('li');
  const part = (tag, kind, content) => {
    const node = document.createElement(tag);
    node.className = kind;
    node.textContent = content;
    item.append(node);
  };
  const notes = [receipt.kind === 'return' ? text('return') : '', receipt.training ? text('training') : ''].filter(Boolean);
  part('span', 'sum', [money(receipt.total), ...notes].join(' · '));
  part('span', 'points', receipt.points_earned ? text('earned', number(receipt.points_earned)) : '');
  part('small', 'who', [receipt.customer?.name, receipt.number].filter(Boolean).join(' · '));
  return item;
}

function drawPanel() {
  const { customer, basket, status } = state;
  show('nobody', !customer);
  show('somebody', !!customer);
  if (customer) {
    const spoken = customer.language || language;
    put('who-greeting', customer.greeting);
    put('who-name', customer.name);
    byId('who-greeting').lang = byId('who-name').lang = spoken;
    put('who-points', number(customer.points));
    put('who-tier', customer.tier || '–');
    put('who-basket', basket ? money(basket.total) : '–');
    put('who-preview', basket ? text('earned', number(basket.points_preview)) : '–');
    show('who-stale', customer.stale);
  }
  const offers = customer?.offers || [];
  show('offers', offers.length > 0);
  byId('offer-list').replaceChildren(...offers.map(offerItem));
  show('no-receipts', state.receipts.length === 0);
  byId('receipts').replaceChildren(...state.receipts.map(receiptItem));
  const up = state.agent && status?.linked;
  const waiting = status?.unsent > 0 ? ` · ${text('unsent')}: ${number(status.unsent)}` : '';
  show('link', !!status || !state.agent);
  byId('link').className = `link ${up ? 'up' : 'down'}`;
  put('link-text', state.agent ? text(up ? 'online' : 'offline') + waiting : text('agent_gone'));
  if (!status) return;
  put('place', `${status.store} · ${status.workstation}`);
  put('captured', number(status.captured));
  put('unsent', number(status.unsent));
  put('known', number(status.profiles));
  put('contact', status.last_contact_us ? new Date(status.last_contact_us / 1000).toLocaleTimeString(`${language}-IN`) : text('never'));
  show('refused-row', status.spool_refused > 0);
  put('refused', number(status.spool_refused));
}

function drawDisplay() {
  const { customer, basket, thanks } = state;
  show('scene-thanks', !!thanks);
  show('scene-customer', !thanks && !!customer);
  show('scene-idle', !thanks && !customer);
  if (thanks) {
    put('thanks-total', money(thanks.total));
    const earned = thanks.points_earned ? text('earned', number(thanks.points_earned)) : '';
    const balance = thanks.customer ? text('balance', number(thanks.points_balance)) : '';
    put('thanks-points', [earned, balance].filter(Boolean).join(' · '));
  } else if (customer) {
    const spoken = customer.language || language;
    put('show-greeting', customer.greeting);
    put('show-points', number(customer.points));
    const offer = customer.offers.find((each) => each.applicable) || customer.offers[0];
    show('show-offer', !!offer);
    if (offer) {
      put('show-title', offer.title);
      put('show-reason', offer.reason);
    }
    byId('show-greeting').lang = byId('show-offer').lang = spoken;
    show('show-total', !!basket);
    if (basket) put('show-sum', money(basket.total));
  }
}

const draw = () => (page === 'panel' ? drawPanel() : drawDisplay());

function choose(code) {
  language = code;
  memory.set('mudi.lang', code);
  drawTexts();
  draw();
}

/* ---- what happens at the till ---- */

let statusAsked = null;
function refreshStatus() {
  if (statusAsked) return; // several events in a row cost one call
  statusAsked = setTimeout(async () => {
    statusAsked = null;
    try {
      const answer = await call('/v1/status');
      if (answer.ok) state.status = { ...state.status, ...await answer.json() };
    } catch { /* the event stream tells whether the agent is there */ }
    draw();
  }, 300);
}

function forget(txn) {
  if (txn && state.txn && txn !== state.txn) return;
  state.txn = state.customer = state.basket = null;
}

let thanksTimer = null;
const onEvent = {
  customer(data) { state.txn = data.txn; state.customer = data; state.thanks = null; },
  customer_updated(data) { if (data.txn === state.txn) state.customer = data; },
  customer_cleared(data) { if (data.txn === state.txn) state.customer = null; },
  basket(data) {
    if (data.txn !== state.txn) forget();
    state.txn = data.txn;
    state.basket = data;
  },
  offers_changed(data) { if (data.txn === state.txn && state.customer) state.customer = { ...state.customer, offers: data.offers }; },
  completed(data) {
    state.receipts = [data, ...state.receipts.filter((each) => each.event !== data.event)].slice(0, 10);
    forget();
    state.thanks = data;
    clearTimeout(thanksTimer);
    thanksTimer = setTimeout(() => { state.thanks = null; draw(); }, 8000);
  },
  suspended(data) { forget(data.txn); },
  cancelled(data) { forget(data.txn); },
  server_up() { if (state.status) state.status.linked = true; },
  server_down() { if (state.status) state.status.linked = false; },
  reset() { loadState(); },
};

async function loadState() {
  const answer = await call('/v1/panel');
  if (answer.status === 401) return false;
  const now = await answer.json();
  Object.assign(state, { status: now.status, txn: now.txn, customer: now.customer, basket: now.basket, receipts: now.receipts, agent: true });
  draw();
  return now.after;
}

let source = null;
function listen(after) {
  source?.close();
  source = new EventSource(`/v1/events?token=${encodeURIComponent(token)}&after=${after}`);
  for (const [name, act] of Object.entries(onEvent)) {
    source.addEventListener(name, (event) => {
      act(JSON.parse(event.data));
      if (['completed', 'server_up', 'server_down'].includes(name)) refreshStatus();
      draw();
    });
  }
  source.onerror = () => {
    source.close();
    state.agent = false;
    draw();
    setTimeout(start, 2000);
  };
}

function askToPair() {
  show(page === 'panel' ? 'work' : 'scene-idle', false);
  show(page === 'panel' ? 'pair' : 'scene-pair', true);
  byId('pair-code')?.focus();
}

async function start() {
  try {
    const after = await loadState();
    if (after === false) return askToPair();
    if (page === 'panel') show('pair', false);
    listen(after);
  } catch {
    state.agent = false;
    draw();
    setTimeout(start, 2000);
  }
}

byId('pair-form')?.addEventListener('submit', async (event) => {
  event.preventDefault();
  const answer = await call('/v1/pair', { method: 'POST', body: JSON.stringify({ code: byId('pair-code').value }) });
  const found = await answer.json();
  if (!answer.ok) return put('pair-fault', found.text || found.detail);
  token = found.token;
  memory.set('mudi.token', token);
  show('work', true);
  start();
});

drawTexts();
start();
