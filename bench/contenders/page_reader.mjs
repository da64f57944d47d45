// Reads what a live page is sent, as its script does: node page_reader.mjs URL. Prints a line when it is connected, and at
// the end of the run how many parts it got.
import { get } from 'node:http';

get(`${process.argv[2]}events`, (response) => {
  console.log('{"connected":true}');
  let rest = '';
  let parts = 0;
  response.setEncoding('utf8').on('data', (chunk) => {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop();
    for (const event of events) if (event.startsWith('data: ') && JSON.parse(event.slice(6)).html) parts += 1;
  });
  response.on('end', () => console.log(JSON.stringify({ parts })));
});
