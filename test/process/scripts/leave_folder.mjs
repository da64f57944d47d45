/** Takes one batch of a folder and leaves the walk: node leave_folder.mjs FOLDER break|forget. Ends by itself. */
import { imageFolder, preprocessings } from '../../../dist/index.js';

const [folder, how] = process.argv.slice(2);
const { train } = await imageFolder(folder, { preprocessing: preprocessings.cifar10, validation: 0 });
const walk = train.augmented({ randomResizedCrop: {} }).batches({ batchSize: 2 });
let seen = 0;
if (how === 'break') {
  for await (const { size } of walk) {
    seen = size;
    break;
  }
} else {
  seen = (await walk.next()).value.size;
}
console.log(`left after ${seen} of ${train.size}`);
