/** One of the tales that the bundled model is calibrated on; it wrote it itself. */
export const STORY = `Once upon a time, there was a little boy named Tim. Tim liked to play with his toy boat. It was a big, red boat with a long neck. He would splash the boat in water all day.
One day, Tim's mom made him a yummy sandwich. She was not happy. She told Tim that it was tooan to be useful. Tim thought, "I will be a good friend to his friend. We will help you."
Tim and his mom put the big boat in the water. They waited for the boat to paid the boat. The boat was soft and pretty. Tim and his friend played on the boat all day. They had lots of fun at the port.`;
