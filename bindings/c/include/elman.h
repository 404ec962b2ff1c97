/**
 * @file elman.h
 * Recurrent networks in fixed point for microcontrollers: no heap, no globals, the same bits on the chip as on the PC.
 *
 * A model is a *blob*: aligned words that stay in flash and are read in place. elman_load() validates every byte of it once;
 * afterwards a step cannot fail. All memory is the caller's: an elman_model_t, and words (uint32_t) for the states, as many
 * as elman_memory_words() says.
 *
 * Memory: a model, a stream and a listener keep pointers into each other. A blob must stay as long as its model, a model as
 * long as what runs on it. An elman_model_t must not be moved or copied after elman_load(). Memory of states is not to be read
 * or written while something runs on it.
 *
 * Threads: the library has no globals and takes no locks. A loaded model is only read: any number of threads, tasks, cores and
 * interrupts may run streams on it at the same time. A stream, a listener or a sequence is used by one of them at a time.
 *
 * Numbers: elements of vectors are int16_t; one of value x with f fraction bits stands for x / 2^f. Probabilities are uint16_t,
 * 32768 is 1.
 *
 * Written by cbindgen from bindings/c/src; `cargo xtask bindings --header` writes it again.
 */

#ifndef ELMAN_H
#define ELMAN_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#if UINTPTR_MAX > 0xffffffffu
/** Whether pointers have 64 bits. */
#define ELMAN_POINTERS_OF_64_BITS
#else
/** Whether pointers have 32 bits. */
#define ELMAN_POINTERS_OF_32_BITS
#endif


/**
 * Words (size_t) of an elman_error_t.
 */
#define ELMAN_ERROR_WORDS 8

/**
 * Most layers in a list of parts.
 */
#define ELMAN_MAX_LAYER_PARTS 8

/**
 * Version of the format of blobs that the library reads.
 */
#define ELMAN_FORMAT_VERSION 6

#if defined(ELMAN_POINTERS_OF_32_BITS)
/**
 * Double words (uint64_t) of an elman_model_t.
 */
#define ELMAN_MODEL_DOUBLE_WORDS 223
#endif

#if defined(ELMAN_POINTERS_OF_64_BITS)
/**
 * Double words (uint64_t) of an elman_model_t.
 */
#define ELMAN_MODEL_DOUBLE_WORDS 353
#endif

/**
 * Words (size_t) of an elman_stream_t.
 */
#define ELMAN_STREAM_WORDS 4

/**
 * Words (size_t) of an elman_listener_t.
 */
#define ELMAN_LISTENER_WORDS 36

/**
 * Words (size_t) of an elman_sequence_t.
 */
#define ELMAN_SEQUENCE_WORDS 5

/**
 * Words (size_t) of an elman_outputs_t.
 */
#define ELMAN_OUTPUTS_WORDS 7

/**
 * What a function says. Errors are negative, and nothing was changed then.
 */
enum elman_status_t
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
    /**
     * There is an event: elman_listener_push() has written it.
     */
    ELMAN_EVENT = 1,
    /**
     * Done.
     */
    ELMAN_OK = 0,
    /**
     * A pointer is NULL or not aligned as its type must be.
     */
    ELMAN_ERROR_POINTER = -1,
    /**
     * The object was not made: elman_load() or its init function was not called or failed.
     */
    ELMAN_ERROR_NOT_READY = -2,
    /**
     * The blob is damaged, of another version or packed for another core: export the model again.
     */
    ELMAN_ERROR_BLOB = -3,
    /**
     * The model needs a layer or part that is not in the list of parts: use the list that `elman export` wrote.
     */
    ELMAN_ERROR_PART = -4,
    /**
     * The list of parts has more layers than ELMAN_MAX_LAYER_PARTS.
     */
    ELMAN_ERROR_PARTS = -5,
    /**
     * The memory has too few words.
     */
    ELMAN_ERROR_MEMORY = -6,
    /**
     * The model runs in another way: one that reads backward as a sequence, one without front end or detector as a stream.
     */
    ELMAN_ERROR_RUNNER = -7,
    /**
     * The input has another number of elements than the model reads.
     */
    ELMAN_ERROR_LENGTH = -8,
    /**
     * The snapshot is of another model.
     */
    ELMAN_ERROR_SNAPSHOT = -9,
    /**
     * There is no such class, layer, step or channel.
     */
    ELMAN_ERROR_RANGE = -10,
    /**
     * Another error: elman_error_text() says which.
     */
    ELMAN_ERROR_OTHER = -11,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum elman_status_t elman_status_t;
#else
typedef int32_t elman_status_t;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a list of parts gathers while a model is loaded.
 */
typedef struct elman_parts_t elman_parts_t;

/**
 * An error with its numbers, which elman_error_text() puts into a sentence. Its field is private.
 */
typedef struct {
    /**
     * Not to be read or written.
     */
    size_t opaque[ELMAN_ERROR_WORDS];
} elman_error_t;

/**
 * A loaded model: where its layers are in the blob. Its field is private.
 *
 * It must not be moved or copied after elman_load().
 */
typedef struct {
    /**
     * Not to be read or written.
     */
    uint64_t opaque[ELMAN_MODEL_DOUBLE_WORDS];
} elman_model_t;

/**
 * A layer or part of models that the library can link: one of the functions elman_part_...(). A list of them ends with NULL.
 * `elman export` writes the list of a model; the linker (with -Wl,--gc-sections) takes what the list names and nothing else.
 */
typedef void (*elman_part_t)(elman_parts_t*);

/**
 * A model that runs step by step. Its field is private.
 */
typedef struct {
    /**
     * Not to be read or written.
     */
    size_t opaque[ELMAN_STREAM_WORDS];
} elman_stream_t;

/**
 * The output of a step.
 */
typedef struct {
    /**
     * The last layer's outputs, in the memory of the stream: they stay until its next call.
     */
    const int16_t *logits;
    /**
     * How many there are.
     */
    uint16_t count;
    /**
     * Their fraction bits.
     */
    uint8_t frac;
} elman_output_t;

/**
 * Front end, network and detector of a model. Its field is private.
 */
typedef struct {
    /**
     * Not to be read or written.
     */
    size_t opaque[ELMAN_LISTENER_WORDS];
} elman_listener_t;

/**
 * A detected word.
 */
typedef struct {
    /**
     * Number of the step (frame), from 0, modulo 2^32.
     */
    uint32_t step;
    /**
     * The class: number of the output and of its label.
     */
    uint16_t class_index;
    /**
     * Mean probability of the class: 32768 is 1.
     */
    uint16_t score;
} elman_event_t;

/**
 * A model that runs whole sequences. Its field is private.
 */
typedef struct {
    /**
     * Not to be read or written.
     */
    size_t opaque[ELMAN_SEQUENCE_WORDS];
} elman_sequence_t;

/**
 * The outputs of a sequence, one a step, in the memory of the elman_sequence_t: they stay until its next call. Its field is
 * private.
 */
typedef struct {
    /**
     * Not to be read or written.
     */
    size_t opaque[ELMAN_OUTPUTS_WORDS];
} elman_outputs_t;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A status in a few words, in plain ASCII. The text stays.
 *
 * @param status Any status; for a number that is none the text says so.
 * @return A string that ends with NUL, in flash.
 */
const char *elman_status_text(int32_t status);

/**
 * An error as a sentence in UTF-8, with its numbers and the way out. Links the sentences of all errors, some KB of
 * flash: for logs of a build for development. elman_status_text() is small.
 *
 * @param error  What a function wrote, or NULL.
 * @param buffer Memory for the text, which ends with NUL and is cut where it does not fit; NULL where size is 0.
 * @param size   Bytes of the buffer.
 * @return Bytes of the whole text without the NUL; 0 where there is no error.
 * @pre The buffer has as many bytes.
 */
size_t elman_error_text(const elman_error_t *error,
                        char *buffer,
                        size_t size);

/**
 * An Elman cell (SRN) with tanh.
 */
void elman_part_srn(elman_parts_t *parts);

/**
 * An Elman cell with relu.
 */
void elman_part_srn_relu(elman_parts_t *parts);

/**
 * An Elman cell with sigmoid.
 */
void elman_part_srn_sigmoid(elman_parts_t *parts);

/**
 * A GRU, its reset gate after the product (PyTorch, Keras).
 */
void elman_part_gru(elman_parts_t *parts);

/**
 * A GRU, its reset gate before the product (Cho et al. 2014).
 */
void elman_part_gru_before(elman_parts_t *parts);

/**
 * An LSTM.
 */
void elman_part_lstm(elman_parts_t *parts);

/**
 * An LSTM with coupled gates.
 */
void elman_part_lstm_coupled(elman_parts_t *parts);

/**
 * An LSTM without forget gate.
 */
void elman_part_lstm_no_forget(elman_parts_t *parts);

/**
 * An LSTM with peepholes.
 */
void elman_part_lstm_peephole(elman_parts_t *parts);

/**
 * A residual cell of one stage.
 */
void elman_part_residual_1(elman_parts_t *parts);

/**
 * A residual cell of two stages.
 */
void elman_part_residual_2(elman_parts_t *parts);

/**
 * A FastGRNN.
 */
void elman_part_fast_grnn(elman_parts_t *parts);

/**
 * A light GRU (Ravanelli et al. 2018).
 */
void elman_part_li_gru(elman_parts_t *parts);

/**
 * A minimal GRU, whose gates read the input alone.
 */
void elman_part_min_gru(elman_parts_t *parts);

/**
 * A minimal LSTM, whose gates read the input alone.
 */
void elman_part_min_lstm(elman_parts_t *parts);

/**
 * An LSTM with a projected state.
 */
void elman_part_lstm_projected(elman_parts_t *parts);

/**
 * An LSTM with a recurrent matrix of low rank.
 */
void elman_part_lstm_low_rank(elman_parts_t *parts);

/**
 * A GRU with a recurrent matrix of low rank.
 */
void elman_part_gru_low_rank(elman_parts_t *parts);

/**
 * A FastGRNN with a recurrent matrix of low rank.
 */
void elman_part_fast_grnn_low_rank(elman_parts_t *parts);

/**
 * The filters of a depthwise separable convolution.
 */
void elman_part_depthwise(elman_parts_t *parts);

/**
 * A delay line.
 */
void elman_part_delay(elman_parts_t *parts);

/**
 * A dense layer.
 */
void elman_part_dense(elman_parts_t *parts);

/**
 * A dense layer with relu.
 */
void elman_part_dense_relu(elman_parts_t *parts);

/**
 * A dense layer with sigmoid.
 */
void elman_part_dense_sigmoid(elman_parts_t *parts);

/**
 * A dense layer with tanh.
 */
void elman_part_dense_tanh(elman_parts_t *parts);

/**
 * An embedding of symbols.
 */
void elman_part_embedding(elman_parts_t *parts);

/**
 * One-hot vectors of symbols.
 */
void elman_part_one_hot(elman_parts_t *parts);

/**
 * The maximum over time.
 */
void elman_part_max(elman_parts_t *parts);

/**
 * The mean over time.
 */
void elman_part_mean(elman_parts_t *parts);

/**
 * The sum over time.
 */
void elman_part_sum(elman_parts_t *parts);

/**
 * Both ends of a sequence.
 */
void elman_part_ends(elman_parts_t *parts);

/**
 * Layer normalisation.
 */
void elman_part_norm(elman_parts_t *parts);

/**
 * The scaling of raw features.
 */
void elman_part_scale(elman_parts_t *parts);

/**
 * A stride over time.
 */
void elman_part_stride(elman_parts_t *parts);

/**
 * A Tree-LSTM with one predecessor.
 */
void elman_part_tree_lstm(elman_parts_t *parts);

/**
 * Layers that read a sequence from its end.
 */
void elman_part_backward(elman_parts_t *parts);

/**
 * The cosine transform of the audio front end.
 */
void elman_part_cepstrum(elman_parts_t *parts);

/**
 * Models that read their own output.
 */
void elman_part_feedback(elman_parts_t *parts);

/**
 * Per-channel energy normalisation in the audio front end.
 */
void elman_part_pcen(elman_parts_t *parts);

/**
 * The scaling of sensors' readings to frames, and of outputs to readings.
 */
void elman_part_scaling(elman_parts_t *parts);

/**
 * Subtraction of steady noise in the audio front end.
 */
void elman_part_spectral_subtraction(elman_parts_t *parts);

/**
 * The symbols of a text.
 */
void elman_part_text(elman_parts_t *parts);

/**
 * Every layer and every part, for programs that load any model.
 */
void elman_part_all(elman_parts_t *parts);

/**
 * Words (uint32_t) of memory for a stream or sequence of a blob, before it is loaded; 0 where it is no blob.
 *
 * @param blob  The blob, aligned to 4 bytes.
 * @param words Words of the blob.
 * @pre The blob has as many words.
 */
size_t elman_blob_memory_words(const uint32_t *blob, size_t words);

/**
 * Words (uint32_t) of memory for a listener of a blob, before it is loaded; 0 where it is no blob.
 *
 * @param blob  The blob, aligned to 4 bytes.
 * @param words Words of the blob.
 * @pre The blob has as many words.
 */
size_t elman_blob_listener_words(const uint32_t *blob, size_t words);

/**
 * Loads a model: validates every byte of the blob, once. A hostile blob gets an error; it causes no read outside.
 *
 * Takes about twice the bytes of an elman_model_t of stack.
 *
 * @param model What becomes the model; whatever it holds. Nothing may run on it.
 * @param blob  The blob, aligned to 4 bytes, e.g. in flash. It stays as long as the model.
 * @param words Words of the blob.
 * @param parts Layers and parts that the model may use: a list that ends with NULL.
 * @param error Where the error goes for elman_error_text(), or NULL.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _BLOB, _PART or _PARTS; the model is not loaded then.
 * @pre The pointers are as described.
 */
elman_status_t elman_load(elman_model_t *model,
                          const uint32_t *blob,
                          size_t words,
                          const elman_part_t *parts,
                          elman_error_t *error);

/**
 * Elements (int16_t) of an input frame, one a time step; 0 where the model is not loaded.
 */
size_t elman_inputs(const elman_model_t *model);

/**
 * Elements of an input frame that the caller provides in closed loop: all but those fed back. See elman_step_closed().
 */
size_t elman_external_inputs(const elman_model_t *model);

/**
 * Elements (int16_t) of the output: the number of classes of a classifier.
 */
size_t elman_outputs(const elman_model_t *model);

/**
 * Fraction bits of an input frame: an element x stands for x / 2^bits.
 */
uint8_t elman_in_frac(const elman_model_t *model);

/**
 * Fraction bits of the output.
 */
uint8_t elman_out_frac(const elman_model_t *model);

/**
 * Words (uint32_t) of memory of a stream, or of a sequence where elman_max_steps() is not 0.
 */
size_t elman_memory_words(const elman_model_t *model);

/**
 * Words (uint32_t) of memory of a listener.
 */
size_t elman_listener_words(const elman_model_t *model);

/**
 * Words (uint32_t) that elman_snapshot() writes.
 */
size_t elman_snapshot_words(const elman_model_t *model);

/**
 * Words (uint32_t) of memory for sequences of up to so many steps.
 */
size_t elman_sequence_words(const elman_model_t *model, size_t steps);

/**
 * Steps of the longest sequence of a model that reads backward; 0 for a model that runs as a stream.
 */
size_t elman_max_steps(const elman_model_t *model);

/**
 * Samples a second that the model's audio front end reads, in Hz; 0 where the input is no sound.
 */
uint32_t elman_sample_rate(const elman_model_t *model);

/**
 * CRC-32C of the blob, which marks the model's snapshots.
 */
uint32_t elman_crc(const elman_model_t *model);

/**
 * The label of a class, in UTF-8.
 *
 * @param model  The model.
 * @param class_index Number of the class, from 0.
 * @param buffer Memory for the text, which ends with NUL and is cut where it does not fit; NULL where size is 0.
 * @param size   Bytes of the buffer.
 * @return Bytes of the whole label without the NUL; 0 where there is none.
 * @pre The buffer has as many bytes.
 */
size_t elman_label(const elman_model_t *model,
                   uint16_t class_index,
                   char *buffer,
                   size_t size);

/**
 * The name of a model, in UTF-8; see elman_label().
 * @pre The buffer has as many bytes.
 */
size_t elman_name(const elman_model_t *model, char *buffer, size_t size);

/**
 * Readings of sensors as a frame. A reading of channel k stands for reading / 2^bits, of which the exported header has the bits.
 *
 * @param model    A model that was trained on readings; its list of parts has elman_part_scaling.
 * @param readings A reading for each element of the frame.
 * @param frame    Where the frame goes.
 * @param count    Elements of both: elman_inputs(), or elman_external_inputs() in closed loop.
 * @param saturated Where the number of readings goes that are beyond the frame's range, or NULL.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _LENGTH, or _RUNNER for a model without scaling of inputs.
 * @pre Both have as many elements.
 */
elman_status_t elman_quantize_i32(const elman_model_t *model,
                                  const int32_t *readings,
                                  int16_t *frame,
                                  size_t count,
                                  size_t *saturated);

/**
 * Outputs as readings: elman_quantize_i32() reversed.
 *
 * @param model    A model whose outputs are values; its list of parts has elman_part_scaling.
 * @param outputs  The logits of an output.
 * @param readings Where the readings go.
 * @param count    Elements of both: elman_outputs().
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _LENGTH, or _RUNNER for a model without scaling of outputs.
 * @pre Both have as many elements.
 */
elman_status_t elman_restore_i32(const elman_model_t *model,
                                 const int16_t *outputs,
                                 int32_t *readings,
                                 size_t count);

/**
 * A stream at its start: all states are 0.
 *
 * @param stream What becomes the stream; whatever it holds.
 * @param model  A loaded model, which stays unmoved as long as the stream is used.
 * @param memory The states, whatever they hold.
 * @param words  Words of the memory, at least elman_memory_words().
 * @param error  Where the error goes for elman_error_text(), or NULL.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _MEMORY or _RUNNER.
 * @pre The pointers are as described.
 */
elman_status_t elman_stream_init(elman_stream_t *stream,
                                 const elman_model_t *model,
                                 uint32_t *memory,
                                 size_t words,
                                 elman_error_t *error);

/**
 * One time step: takes a frame, advances all states, gives the output. It takes the same path for every input.
 *
 * A model with feedback (elman_external_inputs() less than elman_inputs()) is teacher forced: the last elements of the frame are
 * the outputs of the previous step as the caller knows them.
 *
 * @param stream   The stream.
 * @param frame    The frame.
 * @param elements Its elements: elman_inputs().
 * @param output   Where the output goes, or NULL: the layers after the last that carries state are not run then.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _LENGTH.
 * @pre The frame has as many elements.
 */
elman_status_t elman_step(elman_stream_t *stream,
                          const int16_t *frame,
                          size_t elements,
                          elman_output_t *output);

/**
 * One time step in closed loop: the elements fed back are the model's own previous output, 0 at first.
 *
 * @param stream   The stream.
 * @param frame    The frame.
 * @param elements Its elements: elman_external_inputs().
 * @param output   Where the output goes, or NULL.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _LENGTH.
 * @pre The frame has as many elements.
 */
elman_status_t elman_step_closed(elman_stream_t *stream,
                                 const int16_t *frame,
                                 size_t elements,
                                 elman_output_t *output);

/**
 * The output for the states as they are.
 *
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER or _NOT_READY.
 */
elman_status_t elman_output(elman_stream_t *stream, elman_output_t *output);

/**
 * States as at the start: 0.
 *
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER or _NOT_READY.
 */
elman_status_t elman_reset(elman_stream_t *stream);

/**
 * Copies the states, to go on from them later: elman_restore().
 *
 * @param stream The stream.
 * @param buffer Where they go.
 * @param words  Words of the buffer, at least elman_snapshot_words().
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _MEMORY.
 * @pre The buffer has as many words.
 */
elman_status_t elman_snapshot(elman_stream_t *stream, uint32_t *buffer, size_t words);

/**
 * Takes the states of a snapshot of the same model.
 *
 * @param stream The stream; it stays as it was where the snapshot is of another model or too short.
 * @param buffer What elman_snapshot() wrote.
 * @param words  Words of the buffer.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _MEMORY or _SNAPSHOT.
 * @pre The buffer has as many words.
 */
elman_status_t elman_restore(elman_stream_t *stream, const uint32_t *buffer, size_t words);

/**
 * The hidden state of a layer (its output, where it is not recurrent), in the layer's format.
 *
 * @param stream The stream.
 * @param layer  Number of the layer, from 0.
 * @param state  Where the pointer goes: it stays until the stream's next call.
 * @param count  Where the number of elements goes.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _RANGE.
 */
elman_status_t elman_hidden_state(elman_stream_t *stream, size_t layer, const int16_t **state, size_t *count);

/**
 * The class: number of the greatest logit, the first of equals.
 *
 * @return The number; -1 where there are no logits or the pointer is NULL.
 * @pre The output is one that a function of this library wrote, and its stream was not called since.
 */
int32_t elman_argmax(const elman_output_t *output);

/**
 * Probabilities of the classes: p_k = exp(y_k) / sum of exp(y_j) of the logits y, in integers.
 *
 * @param output An output.
 * @param probabilities Where they go: 32768 is 1.
 * @param count  Elements there is memory for; no more than as many are written as the output has.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER.
 * @pre The output is one that a function of this library wrote, and its stream was not called since; the memory has as many
 * elements.
 */
elman_status_t elman_softmax(const elman_output_t *output,
                             uint16_t *probabilities,
                             size_t count);

/**
 * A listener at the start of a stream of samples.
 *
 * @param listener What becomes the listener; whatever it holds.
 * @param model    A loaded model with front end and detector, which stays unmoved as long as the listener is used.
 * @param memory   The states, whatever they hold.
 * @param words    Words of the memory, at least elman_listener_words().
 * @param error    Where the error goes for elman_error_text(), or NULL.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _MEMORY or _RUNNER.
 * @pre The pointers are as described.
 */
elman_status_t elman_listener_init(elman_listener_t *listener,
                                   const elman_model_t *model,
                                   uint32_t *memory,
                                   size_t words,
                                   elman_error_t *error);

/**
 * Takes a block of samples of any length, at elman_sample_rate() a second. The same samples give the same events however they
 * are cut.
 *
 * @param listener The listener.
 * @param samples  Samples of 16 bits.
 * @param count    How many.
 * @param event    Where the last event of the block goes, or NULL; for blocks shorter than the refractory time it is the only one.
 * @return ELMAN_EVENT where there is one, ELMAN_OK where there is none, or ELMAN_ERROR_POINTER or _NOT_READY.
 * @pre There are as many samples.
 */
elman_status_t elman_listener_push(elman_listener_t *listener,
                                   const int16_t *samples,
                                   size_t count,
                                   elman_event_t *event);

/**
 * When an event was detected.
 *
 * @return Milliseconds from the start of the stream to the end of the event's frame; 0 where a pointer is NULL or the listener
 * was not made.
 */
uint64_t elman_event_milliseconds(const elman_listener_t *listener,
                                  const elman_event_t *event);

/**
 * Everything as at the start of a stream of samples.
 *
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER or _NOT_READY.
 */
elman_status_t elman_listener_reset(elman_listener_t *listener);

/**
 * Makes a model ready to run sequences.
 *
 * @param sequence What becomes the sequence; whatever it holds.
 * @param model    A loaded model, which stays unmoved as long as the sequence is used.
 * @param memory   Memory, whatever it holds.
 * @param words    Words of it: elman_memory_words() where elman_max_steps() is not 0, else elman_sequence_words() of the longest
 *                 sequence.
 * @param error    Where the error goes for elman_error_text(), or NULL.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY, _MEMORY or _RUNNER.
 * @pre The pointers are as described.
 */
elman_status_t elman_sequence_init(elman_sequence_t *sequence,
                                   const elman_model_t *model,
                                   uint32_t *memory,
                                   size_t words,
                                   elman_error_t *error);

/**
 * Runs a sequence. States begin at 0.
 *
 * @param sequence The sequence.
 * @param frames   Frame after frame.
 * @param elements Elements of all frames: steps times elman_inputs().
 * @param outputs  Where the outputs go.
 * @param error    Where the error goes for elman_error_text(), or NULL.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _LENGTH.
 * @pre There are as many elements.
 */
elman_status_t elman_sequence_run(elman_sequence_t *sequence,
                                  const int16_t *frames,
                                  size_t elements,
                                  elman_outputs_t *outputs,
                                  elman_error_t *error);

/**
 * Steps of the sequence that was run; 0 where none was.
 */
size_t elman_outputs_steps(const elman_outputs_t *outputs);

/**
 * The output of a step; of the last it is the answer of a model from sequence to class.
 *
 * @param outputs What elman_sequence_run() wrote.
 * @param step    Number of the step, from 0.
 * @param output  Where the output goes.
 * @return ELMAN_OK, or ELMAN_ERROR_POINTER, _NOT_READY or _RANGE.
 */
elman_status_t elman_outputs_at(const elman_outputs_t *outputs, size_t step, elman_output_t *output);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* ELMAN_H */
