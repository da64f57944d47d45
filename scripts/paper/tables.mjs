/**
 * Rows of the paper's tables: label, name in the zoo, options, and the paper's figures, one for each word of `paper`.
 */

const se = { bias: false };
const first = { strideIn: '1x1' };
const firstSe = { strideIn: '1x1', se };
const ablation = (more) => ({ strideIn: '1x1', se: { ...more, ...se } });
const hundred = { classes: 100 };
const hundredSe = { classes: 100, se };

export const tables = [
  {
    title: 'Table II: ImageNet',
    text: 'Errors of a single 224x224 crop, 299x299 for Inception-ResNet-v2, of the paper’s own training. The definition of that network with public weights, which is built here, counts more than the paper gives.',
    paper: ['GFLOPs', 'top-1 / top-5 error, %'],
    rows: [
      ['ResNet-50', 'resnet50', first, '3.86', '24.80 / 7.48'],
      ['SE-ResNet-50', 'se_resnet50', firstSe, '3.87', '23.29 / 6.62'],
      ['ResNet-101', 'resnet101', first, '7.58', '23.17 / 6.52'],
      ['SE-ResNet-101', 'se_resnet101', firstSe, '7.60', '22.38 / 6.07'],
      ['ResNet-152', 'resnet152', first, '11.30', '22.42 / 6.34'],
      ['SE-ResNet-152', 'se_resnet152', firstSe, '11.32', '21.57 / 5.73'],
      ['ResNeXt-50', 'resnext50_32x4d', undefined, '4.24', '22.11 / 5.90'],
      ['SE-ResNeXt-50', 'se_resnext50_32x4d', { se }, '4.25', '21.10 / 5.49'],
      ['ResNeXt-101', 'resnext101_32x4d', undefined, '7.99', '21.18 / 5.57'],
      ['SE-ResNeXt-101', 'se_resnext101_32x4d', { se }, '8.00', '20.70 / 5.01'],
      ['VGG-16 with BN', 'vgg16_bn', undefined, '15.47', '27.02 / 8.81'],
      ['SE-VGG-16', 'se_vgg16_bn', { se }, '15.48', '25.22 / 7.70'],
      ['BN-Inception', 'bn_inception', undefined, '2.03', '25.38 / 7.89'],
      ['SE-BN-Inception', 'se_bn_inception', { se }, '2.04', '24.23 / 7.14'],
      ['Inception-ResNet-v2', 'inception_resnet_v2', undefined, '11.75', '20.37 / 5.21'],
      ['SE-Inception-ResNet-v2', 'se_inception_resnet_v2', { se }, '11.76', '19.80 / 4.79'],
    ],
  },
  {
    title: 'Table III: for phones',
    text: 'The paper cuts digits off its parameters.',
    paper: ['MFLOPs', 'parameters', 'top-1 / top-5 error, %'],
    rows: [
      ['MobileNet', 'mobilenet', undefined, '569', '4.2 M', '28.4 / 9.4'],
      ['SE-MobileNet', 'se_mobilenet', { se }, '572', '4.7 M', '25.3 / 7.7'],
      ['ShuffleNet', 'shufflenet_g3', undefined, '140', '1.8 M', '32.6 / 12.5'],
      ['SE-ShuffleNet', 'se_shufflenet_g3', { se }, '142', '2.4 M', '31.0 / 11.1'],
    ],
  },
  {
    title: 'Table IV: CIFAR-10',
    paper: ['error, %'],
    rows: [
      ['ResNet-110', 'preresnet110', undefined, '6.37'],
      ['SE-ResNet-110', 'se_preresnet110', { se }, '5.21'],
      ['ResNet-164', 'preresnet164', undefined, '5.46'],
      ['SE-ResNet-164', 'se_preresnet164', { se }, '4.39'],
      ['WRN-16-8', 'wrn16_8', undefined, '4.27'],
      ['SE-WRN-16-8', 'se_wrn16_8', { se }, '3.88'],
      ['Shake-Shake 26 2x96d + Cutout', 'shake_shake26_2x96d', undefined, '2.56'],
      ['SE-Shake-Shake 26 2x96d + Cutout', 'se_shake_shake26_2x96d', { se }, '2.12'],
    ],
  },
  {
    title: 'Table V: CIFAR-100',
    paper: ['error, %'],
    rows: [
      ['ResNet-110', 'preresnet110', hundred, '26.88'],
      ['SE-ResNet-110', 'se_preresnet110', hundredSe, '23.85'],
      ['ResNet-164', 'preresnet164', hundred, '24.33'],
      ['SE-ResNet-164', 'se_preresnet164', hundredSe, '21.31'],
      ['WRN-16-8', 'wrn16_8', hundred, '20.43'],
      ['SE-WRN-16-8', 'se_wrn16_8', hundredSe, '19.14'],
      ['Shake-Even 29 2x4x64d + Cutout', 'shake_even29_2x4x64d', hundred, '15.85'],
      ['SE-Shake-Even 29 2x4x64d + Cutout', 'se_shake_even29_2x4x64d', hundredSe, '15.41'],
    ],
  },
  {
    title: 'Tables VIII and IX: SENet-154',
    text: 'Errors of crops of 224x224 and 320x320; the second row was trained in that size, too.',
    paper: ['error at 224', 'at 320'],
    rows: [
      ['SENet-154', 'senet154', undefined, '18.68 / 4.47', '17.28 / 3.79'],
      ['SENet-154, 320x320', 'senet154', { input: [320, 320, 3] }, '–', '16.88 / 3.58'],
    ],
  },
  {
    title: 'Table X: reduction ratio',
    text: 'SE-ResNet-50. The paper’s 30.7 M of r = 8 is the one figure that its own rule does not give.',
    paper: ['parameters', 'top-1 / top-5 error, %'],
    rows: [
      ['r = 2', 'se_resnet50', ablation({ reduction: 2 }), '45.7 M', '22.29 / 6.00'],
      ['r = 4', 'se_resnet50', ablation({ reduction: 4 }), '35.7 M', '22.25 / 6.09'],
      ['r = 8', 'se_resnet50', ablation({ reduction: 8 }), '30.7 M', '22.26 / 5.99'],
      ['r = 16', 'se_resnet50', ablation({ reduction: 16 }), '28.1 M', '22.28 / 6.03'],
      ['r = 32', 'se_resnet50', ablation({ reduction: 32 }), '26.9 M', '22.72 / 6.20'],
      ['original', 'resnet50', first, '25.6 M', '23.30 / 6.55'],
    ],
  },
  {
    title: 'Table XI: squeeze',
    paper: ['top-1 / top-5 error, %'],
    rows: [
      ['Max', 'se_resnet50', ablation({ squeeze: 'max' }), '22.57 / 6.09'],
      ['Avg', 'se_resnet50', ablation({ squeeze: 'avg' }), '22.28 / 6.03'],
    ],
  },
  {
    title: 'Table XII: excitation',
    paper: ['top-1 / top-5 error, %'],
    rows: [
      ['ReLU', 'se_resnet50', ablation({ gate: 'relu' }), '23.47 / 6.98'],
      ['Tanh', 'se_resnet50', ablation({ gate: 'tanh' }), '23.00 / 6.38'],
      ['Sigmoid', 'se_resnet50', ablation({ gate: 'sigmoid' }), '22.28 / 6.03'],
    ],
  },
  {
    title: 'Table XIII: stages',
    text: 'The paper’s stage 2 is the first with blocks, number 1 here.',
    paper: ['GFLOPs', 'parameters', 'top-1 / top-5 error, %'],
    rows: [
      ['ResNet-50', 'resnet50', first, '3.86', '25.6 M', '23.30 / 6.55'],
      ['SE_Stage_2', 'se_resnet50', ablation({ stages: [1] }), '3.86', '25.6 M', '23.03 / 6.48'],
      ['SE_Stage_3', 'se_resnet50', ablation({ stages: [2] }), '3.86', '25.7 M', '23.04 / 6.32'],
      ['SE_Stage_4', 'se_resnet50', ablation({ stages: [3] }), '3.86', '26.4 M', '22.68 / 6.22'],
      ['SE_All', 'se_resnet50', firstSe, '3.87', '28.1 M', '22.28 / 6.03'],
    ],
  },
  {
    title: 'Table XIV: placement',
    paper: ['top-1 / top-5 error, %'],
    rows: [
      ['SE', 'se_resnet50', ablation({ placement: 'standard' }), '22.28 / 6.03'],
      ['SE-PRE', 'se_resnet50', ablation({ placement: 'pre' }), '22.23 / 6.00'],
      ['SE-POST', 'se_resnet50', ablation({ placement: 'post' }), '22.78 / 6.35'],
      ['SE-Identity', 'se_resnet50', ablation({ placement: 'identity' }), '22.20 / 6.15'],
    ],
  },
  {
    title: 'Table XV: within the block',
    paper: ['GFLOPs', 'parameters', 'top-1 / top-5 error, %'],
    rows: [
      ['SE', 'se_resnet50', firstSe, '3.87', '28.1 M', '22.28 / 6.03'],
      ['SE_3x3', 'se_resnet50', ablation({ placement: '3x3' }), '3.86', '25.8 M', '22.48 / 6.02'],
    ],
  },
  {
    title: 'Table XVI: without squeeze',
    paper: ['GFLOPs', 'parameters', 'top-1 / top-5 error, %'],
    rows: [
      ['ResNet-50', 'resnet50', first, '3.86', '25.6 M', '23.30 / 6.55'],
      ['NoSqueeze', 'se_resnet50', ablation({ squeeze: 'none' }), '4.27', '28.1 M', '22.93 / 6.39'],
      ['SE', 'se_resnet50', firstSe, '3.87', '28.1 M', '22.28 / 6.03'],
    ],
  },
];
