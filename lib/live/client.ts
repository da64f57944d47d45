/**
 * The script of a live page: puts the parts that the server sends into their places. It lets go of the connection while
 * nobody looks at the page, and opens another one where it was lost.
 */
export const clientScript = `
'use strict';
const connection = document.getElementById('connection');
const RETRY_MS = 2000;
let source;
let timer;
let ended = false;

function close() {
  clearTimeout(timer);
  source?.close();
  source = undefined;
}

function open() {
  close();
  source = new EventSource('events');
  source.onopen = () => { connection.textContent = ''; };
  source.onmessage = ({ data }) => {
    const { id, html } = JSON.parse(data);
    document.getElementById(id).innerHTML = html;
  };
  source.addEventListener('end', () => {
    ended = true;
    close();
  });
  source.onerror = () => {
    close();
    connection.textContent = 'The run cannot be reached; this is what it last said. Trying again.';
    timer = setTimeout(open, RETRY_MS);
  };
}

function follow() {
  if (ended) return;
  if (document.hidden) close();
  else open();
}

document.addEventListener('visibilitychange', follow);
follow();
`;
