// @ts-check
// The shapes of what the server sends and takes.

/** A place (row, col). @typedef {[number, number]} Place */
/** A box [x0, y0, x1, y1] in columns and rows of the image. @typedef {[number, number, number, number]} Box */
/** A box and the label of its class. @typedef {[number, number, number, number, number]} TrueBox */
/** Lowest and highest displacement of each axis. @typedef {[[number, number], [number, number]]} Reach */

/**
 * An adjacency in words.
 * @typedef {object} Adjacency
 * @property {"rectangle" | "disk" | "cross" | "custom"} shape
 * @property {number} dilation
 * @property {number} [width]
 * @property {number} [height]
 * @property {number} [radius]
 * @property {Place[]} [displacements]
 */

/**
 * One editable field of a kind of layer.
 * @typedef {object} SchemaField
 * @property {string} name
 * @property {"choice" | "number" | "int" | "bool" | "adjacency" | "border" | "vector" | "rule"} type
 * @property {Array<string | null>} [values]
 * @property {number | null} [low]
 * @property {number} [high]
 * @property {boolean} [empty]
 */

/**
 * @typedef {object} Constants
 * @property {string} version
 * @property {Record<string, SchemaField[]>} schema by kind of layer
 * @property {string[]} kinds kinds of steps that can be added
 * @property {string[]} presets
 * @property {string[]} decoders
 * @property {string[]} templates
 * @property {string[]} classColors of new classes, by label
 * @property {number} maxPoints of one stroke
 * @property {number} firstImages of which a new batch normalization has the statistics
 * @property {string[]} boxFormats
 */

/**
 * @typedef {object} Bank
 * @property {number} kernels
 * @property {number} channels
 * @property {Reach} reach
 * @property {Adjacency} adjacency
 * @property {boolean} learned
 * @property {string} print fingerprint: changes with any weight
 */

/**
 * A node of a network.
 * @typedef {object} NetworkNode
 * @property {string} name
 * @property {string} kind
 * @property {string[]} inputs
 * @property {boolean} off
 * @property {Record<string, any>} fields
 * @property {string} words
 * @property {number} parameters
 * @property {Bank} [bank]
 * @property {boolean} [relearn] learning can start again at this layer
 * @property {boolean} [edited] its kernels were chosen or edited since they were learned
 * @property {boolean} waits not learned yet
 */

/**
 * How a saliency, or a score of sliding windows, becomes boxes.
 * @typedef {object} Decision
 * @property {string} [kind] "windows" or "class-windows" for sliding windows
 * @property {Array<{ name: string, windows: Decision }>} [classes] of sliding windows of several classes
 * @property {number | string | null} [threshold]
 * @property {number} [max_detections] of sliding windows
 * @property {string | null} [select]
 * @property {[number, number] | null} [size]
 * @property {[number, number] | null} [area]
 * @property {[number, number] | null} [width]
 * @property {[number, number] | null} [height]
 * @property {[number, number] | null} [aspect]
 */

/**
 * @typedef {object} Network
 * @property {string} name
 * @property {NetworkNode[]} nodes
 * @property {Decision} decision
 * @property {number} parameters
 * @property {boolean} learned
 * @property {number} classes that its output tells apart; 0 for one saliency
 * @property {number} undecided the probability below which a class is undecided
 * @property {boolean} sized whether it knows the size of its objects
 * @property {boolean} cut whether its masks are cut by the colours of each image
 */

/** @typedef {{ label: number, name: string, color: string }} Class */
/** @typedef {{ id: string, label: number, tool: string, radius: number, points: Place[] }} Stroke */
/**
 * @typedef {object} ImageName
 * @property {string} id
 * @property {string} name
 * @property {string | null} problem why it cannot be read
 * @property {boolean} lesson it belongs to a lesson, and is not among the images of the user
 */

/**
 * Where the user looked last.
 * @typedef {object} SavedView
 * @property {string} [page]
 * @property {string} [network]
 * @property {string} [image]
 * @property {string} [node]
 * @property {number} [channel]
 * @property {number} [kernel]
 * @property {string | null} [other]
 * @property {Place | null} [cursor]
 * @property {boolean} [pinned]
 */

/**
 * The document of the session.
 * @typedef {object} StudioDocument
 * @property {number} revision
 * @property {number} drawn number of the strokes
 * @property {string | null} undo
 * @property {string | null} redo
 * @property {string | null} problem
 * @property {Network[]} networks
 * @property {Class[]} classes
 * @property {Record<string, Stroke[]>} strokes by image
 * @property {Record<string, TrueBox[]>} truth by image
 * @property {Record<string, string>} masks names of the true masks, by image
 * @property {string[]} pins
 * @property {ImageName[]} images
 * @property {SavedView} view
 */

/**
 * A step of a run: a node that was computed, or why it was not.
 * @typedef {object} Step
 * @property {string} name
 * @property {string} [error]
 * @property {string} id of the activation
 * @property {number[]} shape
 * @property {number} low
 * @property {number} high
 * @property {number} ms
 * @property {[number, number]} scale spels of the image between two of the step
 * @property {[number, number]} offset
 * @property {"image" | number[]} reads the receptive field
 */

/**
 * A network run on an image.
 * @typedef {object} Run
 * @property {string} network
 * @property {string} image
 * @property {Step[]} steps
 * @property {number} reduced 1, or the network works at one part in so many of the image's size
 * @property {number} parameters
 * @property {number | null} multiply_adds
 * @property {number} ms
 */

/**
 * The document after a change, and the run on the screen or why there is none.
 * @typedef {{ document: StudioDocument, run?: Run, run_problem?: string }} Reply
 */
/**
 * Work of the server that takes longer than a click.
 * @typedef {object} Task
 * @property {string} id
 * @property {string} kind
 * @property {"running" | "done" | "stopped" | "failed"} state
 * @property {string} message what it does now, or why it has failed
 * @property {number} done
 * @property {number} total 0 if it is not known
 * @property {Record<string, any>} result
 * @property {{ code: string, values: Record<string, string> } | null} refusal why it has failed
 */
/** @typedef {{ do: string } & Record<string, unknown>} Command */

/** @typedef {Float32Array | Float64Array | Int32Array | Uint16Array | Uint8Array} Numbers */
/** @typedef {{ shape: number[], data: Numbers }} PackedArray */
/** @typedef {Record<string, any> & { arrays: PackedArray[] }} Packed */

/**
 * One channel of an activation, or a coarse copy of it.
 * @typedef {object} Plane
 * @property {number} rows
 * @property {number} cols
 * @property {ArrayLike<number>} data
 * @property {number} low
 * @property {number} high
 * @property {string} [id]
 * @property {number} [grain] every so many spels of the activation
 * @property {{ key: string, canvas: HTMLCanvasElement }} [painted]
 * @property {HTMLCanvasElement} [map]
 */

/**
 * An image, or a large one at a part of its size, with the numbers of its file.
 * @typedef {object} Picture
 * @property {string} id
 * @property {string} name
 * @property {number} rows
 * @property {number} cols
 * @property {number} channels
 * @property {string} dtype
 * @property {number} reduced 1, or shown at one part in so many of its size
 * @property {[number, number, number] | null} stack planes, rows and columns of a file with planes
 * @property {[number, number] | null} cut axis and place of the plane that is shown
 * @property {number | null} channel the one that is shown; null for the colors
 * @property {number} low what black stands for
 * @property {number} high what white stands for
 * @property {[number, number, number]} grid rows, columns and bands (1 or 3) of `data`
 * @property {Numbers} data
 * @property {{ key: string, canvas: HTMLCanvasElement }} [painted]
 */

/**
 * Some planes of a stack as small pictures.
 * @typedef {object} Planes
 * @property {number[]} places along the axis
 * @property {[number, number, number]} grid planes, rows and columns
 * @property {Uint8Array} data three bands
 * @property {HTMLCanvasElement[]} [canvases]
 */

/**
 * The class of each spel of a step, by its number in `classes`; 255 is undecided.
 * @typedef {object} Labels
 * @property {number} rows
 * @property {number} cols
 * @property {Uint8Array} data
 * @property {Array<{ label: number, name: string, objects: number | null, share: number }>} classes
 * @property {number} limit the probability below which a class is undecided
 * @property {number} undecided share of the spels
 * @property {[number, number]} scale
 * @property {[number, number]} offset
 */

/**
 * Objects of the learned size; empty where the network knows none.
 * @typedef {object} SizedObjects
 * @property {Box[]} [boxes]
 * @property {number[]} scores
 * @property {number[]} probabilities
 * @property {number} min_score
 * @property {number | null} rate bound on images without an object that hold a false one
 * @property {number} backgrounds images by which it was estimated
 * @property {number} marked objects
 * @property {number} reached how many of them reach the score
 */

/**
 * The numbers of the file around a place, every channel.
 * @typedef {object} ImageWindow
 * @property {number} row of its first row
 * @property {number} col of its first column
 * @property {[number, number, number]} grid rows, columns and channels
 * @property {Numbers} data
 */

/**
 * A small picture of an activation: the first channels, one plane after the other.
 * @typedef {object} Thumb
 * @property {string} id
 * @property {number} channels of the activation
 * @property {number} low
 * @property {number} high
 * @property {number} shown how many channels are here
 * @property {number} rows
 * @property {number} cols
 * @property {Float32Array} data
 */

/**
 * The weights of a bank.
 * @typedef {object} BankArrays
 * @property {Reach} reach
 * @property {Place[]} displacements
 * @property {number[]} bias
 * @property {number[]} norms
 * @property {{ shape: [number, number, number, number], data: Float32Array }} dense
 * @property {{ shape: number[], data: Float32Array }} weights
 * @property {Float32Array} data
 */

/** The numbers behind one spel of one step; their names depend on the layer. @typedef {Record<string, any>} Terms */
/** @typedef {{ node: string, at: Place, channel: number, terms: Terms }} TraceStep */
/** @typedef {{ steps: TraceStep[], value: number }} Trace */

/**
 * Boxes judged by the truth.
 * @typedef {object} Judgement
 * @property {number} hits
 * @property {number} false
 * @property {number} missed
 * @property {number | null} precision
 * @property {number | null} recall
 */

/**
 * Boxes of a network on an image.
 * @typedef {object} Boxes
 * @property {number | null} threshold null where the most probable class decides
 * @property {number} count
 * @property {Box[]} boxes
 * @property {number[]} scores
 * @property {number[]} areas
 * @property {string[]} classes of a network that tells classes apart; else empty
 * @property {number} ms
 * @property {Judgement} [truth]
 * @property {boolean[]} [matched]
 */

/** @typedef {{ node: string, channel: number, share: number, label?: number, weights?: number[][][] }} KernelShare */

/**
 * Why a box is there.
 * @typedef {object} Reasons
 * @property {Place} spel
 * @property {string} output
 * @property {number} saliency
 * @property {number | null} threshold
 * @property {number} margin
 * @property {number} area
 * @property {Place[]} spels
 * @property {KernelShare[]} kernels
 * @property {Array<{ what: "threshold" | "area", to: number }>} vanishes
 */

/**
 * Boxes of all images with a truth, judged.
 * @typedef {object} Judged
 * @property {Array<Judgement & { image: string }>} rows
 * @property {Array<{ image: string, problem: string }>} failed images that cannot be read
 * @property {Judgement} total
 * @property {{ scores: number[], precision: number[], recall: number[] }} curve
 * @property {number | string} ap
 * @property {import("./judged.js").JudgedMasks} masks
 */

/**
 * What is known of a kernel.
 * @typedef {object} KernelFacts
 * @property {number} bias
 * @property {number} norm
 * @property {number | null} like the first kernel that it equals
 * @property {number | null} object mean activation on object strokes
 * @property {number | null} background
 * @property {number} [label]
 * @property {number} [marker]
 * @property {string} [image]
 * @property {Place} [at]
 */

/** @typedef {{ en: string, pt: string }} Texts */

/**
 * @typedef {object} Question
 * @property {"choice" | "value"} kind
 * @property {Texts} question
 * @property {number} [answer]
 * @property {Array<Texts & { why?: Texts }>} [options] `why`: what is wrong with a wrong one
 * @property {number} [tolerance]
 * @property {string} [of] what is asked for: a term of the trace, "count", "rows", "parameters", ...
 * @property {boolean} [cover] the picture would give the answer away
 */

/**
 * @typedef {object} LessonStep
 * @property {string} page
 * @property {string} node
 * @property {Place} [at]
 * @property {string} [image]
 * @property {string} [template] another one than the lesson has
 * @property {Command[]} [commands]
 * @property {Texts} title
 * @property {Texts} text
 * @property {Question} ask
 */

/**
 * @typedef {object} Lesson
 * @property {string} id
 * @property {number} minutes
 * @property {string} template
 * @property {string} image
 * @property {string} [network] a network of its own, which stays when the lesson is left
 * @property {Texts} title
 * @property {Texts} about
 * @property {LessonStep[]} steps
 */

export {};
