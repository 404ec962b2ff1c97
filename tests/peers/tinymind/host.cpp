// TinyMind's int8 GRU over whole sequences, with its own calibration helpers, for compare.py.
#include <cstring>

#include "include/qcalibration.hpp"
#include "qgru.hpp"

constexpr int INPUTS = 32, HIDDEN = 64;
typedef tinymind::QGRUCell<int8_t, int8_t, int32_t, int8_t, int8_t, INPUTS, HIDDEN> Cell;

static Cell cell;
static int8_t sigmoid_lut[256], tanh_lut[256];

extern "C" void setup(const int8_t *w, const int8_t *u, const int32_t *b, int x_zero, const float *scales) {
    tinymind::QGRUScales s = {scales[0], scales[1], scales[2], {}, {}};
    std::memcpy(s.w_input_scale, scales + 3, sizeof s.w_input_scale);
    std::memcpy(s.w_recurrent_scale, scales + 6, sizeof s.w_recurrent_scale);
    tinymind::QGRUParams p;
    tinymind::buildQGRUParams(s, p);
    cell.w_input = w;
    cell.w_recurrent = u;
    cell.biases = b;
    cell.input_zero_point = static_cast<int8_t>(x_zero);
    cell.hidden_zero_point = 0;
    std::memcpy(cell.input_to_lut_multiplier, p.input_to_lut_multiplier, sizeof p.input_to_lut_multiplier);
    std::memcpy(cell.input_to_lut_shift, p.input_to_lut_shift, sizeof p.input_to_lut_shift);
    std::memcpy(cell.recurrent_to_lut_multiplier, p.recurrent_to_lut_multiplier, sizeof p.recurrent_to_lut_multiplier);
    std::memcpy(cell.recurrent_to_lut_shift, p.recurrent_to_lut_shift, sizeof p.recurrent_to_lut_shift);
    cell.r_times_h_multiplier = p.r_times_h_multiplier;
    cell.r_times_h_shift = p.r_times_h_shift;
    cell.one_minus_z_times_n_multiplier = p.one_minus_z_times_n_multiplier;
    cell.one_minus_z_times_n_shift = p.one_minus_z_times_n_shift;
    cell.z_times_h_multiplier = p.z_times_h_multiplier;
    cell.z_times_h_shift = p.z_times_h_shift;
    cell.output_qmin = -128;
    cell.output_qmax = 127;
    tinymind::buildQSigmoidLUT(s.lut_input_scale, 0, 1.0f / 256.0f, -128, sigmoid_lut);
    tinymind::buildQTanhLUT(s.lut_input_scale, 0, 1.0f / 128.0f, 0, tanh_lut);
    cell.sigmoid_lut = sigmoid_lut;
    cell.tanh_lut = tanh_lut;
}

extern "C" void run(const int8_t *x, int steps, int8_t *h) {
    std::memset(h, 0, HIDDEN);
    for (int t = 0; t < steps; ++t) cell.forward(x + t * INPUTS, h);
}
